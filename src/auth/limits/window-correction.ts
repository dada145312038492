import type { WindowState } from './limit-store.js';

/** What an admission's end changed in windows that are counted elsewhere. */
export interface Amounts {
  readonly requests: number;
  readonly tokens: number;
}

/** A window as it was answered, brought up to date with what is known here: asking again would cost a round trip per answer. */
export function corrected(state: WindowState, amounts: Amounts | null, elapsedMs: number): WindowState {
  const kind = state.limit === 'tpm' ? 'tokens' : 'requests';
  const usedCount = Math.max(0, state.usedCount + (state.limit === 'concurrency' ? 0 : (amounts?.[kind] ?? 0)));
  return { ...state, usedCount, resetMs: usedCount === 0 ? 0 : Math.max(0, state.resetMs - elapsedMs) };
}
