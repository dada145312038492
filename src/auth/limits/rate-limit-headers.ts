import type { WindowState } from './limit-store.js';

/** The tightest window of one kind. */
export interface TightWindow {
  readonly limitCount: number;
  readonly remainingCount: number;
  readonly resetMs: number;
}

export interface TightWindows {
  readonly requests: TightWindow | null;
  readonly tokens: TightWindow | null;
}

/** Of all layers' windows the ones with the least left; of equals the one that takes longest to recover. */
export function tightest(windows: readonly WindowState[]): TightWindows {
  return {
    requests: tightestOf(windows.filter(({ limit }) => limit === 'rpm' || limit === 'rpd')),
    tokens: tightestOf(windows.filter(({ limit }) => limit === 'tpm')),
  };
}

function tightestOf(windows: readonly WindowState[]): TightWindow | null {
  let best: TightWindow | null = null;
  for (const { limitCount, usedCount, resetMs } of windows) {
    const remainingCount = Math.max(0, limitCount - usedCount);
    const isTighter = best === null || remainingCount < best.remainingCount || (remainingCount === best.remainingCount && resetMs > best.resetMs);
    if (isTighter) best = { limitCount, remainingCount, resetMs };
  }
  return best;
}

/** `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as OpenAI writes them. */
export function rateLimitHeaders({ requests, tokens }: TightWindows): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [kind, window] of [['requests', requests], ['tokens', tokens]] as const) {
    if (window === null) continue;
    headers[`x-ratelimit-limit-${kind}`] = String(window.limitCount);
    headers[`x-ratelimit-remaining-${kind}`] = String(window.remainingCount);
    headers[`x-ratelimit-reset-${kind}`] = duration(window.resetMs);
  }
  return headers;
}

/** `anthropic-ratelimit-*`: the same facts, the reset as a time. */
export function anthropicRateLimitHeaders({ requests, tokens }: TightWindows, nowMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [kind, window] of [['requests', requests], ['tokens', tokens]] as const) {
    if (window === null) continue;
    headers[`anthropic-ratelimit-${kind}-limit`] = String(window.limitCount);
    headers[`anthropic-ratelimit-${kind}-remaining`] = String(window.remainingCount);
    headers[`anthropic-ratelimit-${kind}-reset`] = new Date(nowMs + window.resetMs).toISOString().replace(/\.\d+Z$/, 'Z');
  }
  return headers;
}

/** Whole seconds, rounded up so that waiting them suffices: `1s`, `6m0s`, `23h59m59s`. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  if (hours > 0) return `${hours}h${minutes}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
