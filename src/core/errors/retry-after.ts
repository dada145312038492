/** How long a provider's own wish to wait is believed (spec faults F42). */
const MIN_RETRY_AFTER_MS = 1_000;
const MAX_RETRY_AFTER_MS = 600_000;

const UNITS_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1_000,
  sec: 1_000,
  second: 1_000,
  m: 60_000,
  min: 60_000,
  minute: 60_000,
  h: 3_600_000,
  hour: 3_600_000,
};

/** Into [1 s, 10 min]; undefined for what is not a usable duration (negative, NaN, garbage). */
export function clampRetryAfterMs(valueMs: number | undefined): number | undefined {
  if (valueMs === undefined || !Number.isFinite(valueMs) || valueMs < 0) return undefined;
  return Math.min(MAX_RETRY_AFTER_MS, Math.max(MIN_RETRY_AFTER_MS, Math.ceil(valueMs)));
}

/**
 * Reads `retry-after-ms`, `x-ms-retry-after-ms` (Azure) and `retry-after` (seconds or an HTTP date), in this order.
 * `headers` have lower-case names. A date is measured against `nowMs`, else against the answer's own `date` header.
 */
export function retryAfterOfHeaders(headers: Readonly<Record<string, string>>, nowMs?: number): number | undefined {
  const exactMs = decimal(headers['retry-after-ms']) ?? decimal(headers['x-ms-retry-after-ms']);
  const text = headers['retry-after'];
  const seconds = decimal(text);
  // Azure answers `retry-after: 1` with `retry-after-ms: 0` (recorded 2025): zero says nothing, the seconds do.
  if (exactMs !== undefined && exactMs > 0) return clampRetryAfterMs(exactMs);
  if (seconds !== undefined) return clampRetryAfterMs(seconds * 1_000);
  if (text !== undefined && text !== '') return afterDate(text, nowMs ?? Date.parse(headers['date'] ?? ''));
  return clampRetryAfterMs(exactMs);
}

/** The wish in an error's words: `Please try again in 9m38.016s`, `retry in 48.9s`, `Please retry after 11 seconds`, `494ms`. */
export function retryAfterOfMessage(message: string): number | undefined {
  const found = /(?:try again|retry)\s+(?:in|after)\s+((?:\d+(?:\.\d+)?\s*[a-z]+\s*){1,3})/i.exec(message.slice(0, 2_000));
  if (found === null) return undefined;
  let totalMs = 0;
  let understood = false;
  for (const part of (found[1] ?? '').matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const unit = (part[2] ?? '').toLowerCase();
    const unitMs = UNITS_MS[unit] ?? UNITS_MS[unit.replace(/s$/, '')];
    if (unitMs === undefined) break;
    totalMs += Number(part[1]) * unitMs;
    understood = true;
  }
  return understood ? clampRetryAfterMs(totalMs) : undefined;
}

function decimal(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;
}

function afterDate(text: string, nowMs: number): number | undefined {
  // Date.parse reads `-5` and `2` as years; an HTTP date always has letters (Sun, GMT).
  if (!/[a-z]/i.test(text)) return undefined;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) || Number.isNaN(nowMs) ? undefined : clampRetryAfterMs(Math.max(0, atMs - nowMs));
}
