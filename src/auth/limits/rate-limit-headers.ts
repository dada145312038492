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
  let requests: TightWindow | null = null;
  let tokens: TightWindow | null = null;
  for (const window of windows) {
    if (window.limit === 'tpm') tokens = tighter(tokens, window);
    else if (window.limit !== 'concurrency') requests = tighter(requests, window);
  }
  return { requests, tokens };
}

function tighter(best: TightWindow | null, { limitCount, usedCount, resetMs }: WindowState): TightWindow {
  const remainingCount = Math.max(0, limitCount - usedCount);
  if (best !== null && best.remainingCount < remainingCount) return best;
  if (best !== null && best.remainingCount === remainingCount && best.resetMs >= resetMs) return best;
  return { limitCount, remainingCount, resetMs };
}

/** `x-ratelimit-{limit,remaining,reset}-{requests,tokens}` as OpenAI writes them. */
export function addRateLimitHeaders(headers: Record<string, string>, { requests, tokens }: TightWindows): void {
  if (requests !== null) {
    headers['x-ratelimit-limit-requests'] = digits(requests.limitCount);
    headers['x-ratelimit-remaining-requests'] = digits(requests.remainingCount);
    headers['x-ratelimit-reset-requests'] = duration(requests.resetMs);
  }
  if (tokens !== null) {
    headers['x-ratelimit-limit-tokens'] = digits(tokens.limitCount);
    headers['x-ratelimit-remaining-tokens'] = digits(tokens.remainingCount);
    headers['x-ratelimit-reset-tokens'] = duration(tokens.resetMs);
  }
}

const MAX_SMALL = 0x7fff_ffff;

/** Of a whole number. As V8 keeps them, the windows' numbers are doubles, whose digits it works out like those of a fraction. */
function digits(count: number): string {
  return String(count <= MAX_SMALL ? count | 0 : count);
}

/** `anthropic-ratelimit-*`: the same facts, the reset as a time. */
export function addAnthropicRateLimitHeaders(headers: Record<string, string>, { requests, tokens }: TightWindows, nowMs: number): void {
  for (const [kind, window] of [['requests', requests], ['tokens', tokens]] as const) {
    if (window === null) continue;
    headers[`anthropic-ratelimit-${kind}-limit`] = String(window.limitCount);
    headers[`anthropic-ratelimit-${kind}-remaining`] = String(window.remainingCount);
    headers[`anthropic-ratelimit-${kind}-reset`] = new Date(nowMs + window.resetMs).toISOString().replace(/\.\d+Z$/, 'Z');
  }
}

/** Whole seconds, rounded up so that waiting them suffices: `1s`, `6m0s`, `23h59m59s`. */
function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.ceil(milliseconds / 1_000)) | 0;
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  if (hours > 0) return `${hours}h${minutes}m${seconds % 60}s`;
  return minutes > 0 ? `${minutes}m${seconds % 60}s` : `${seconds}s`;
}
