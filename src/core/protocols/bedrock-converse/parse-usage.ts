import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { isObject, type JsonObject } from '../../json/index.js';

/**
 * `inputTokens` leaves out what was read from and written to the cache; output includes thoughts, which are not counted apart.
 * `cacheDetails` splits writes by lifetime (TokenUsage, read 2026-11-21). `undefined`: none; null: not to be believed.
 */
export function parseUsage(value: unknown): Usage | null | undefined {
  if (!isObject(value)) return undefined;
  const input = countOf(value['inputTokens']);
  const output = countOf(value['outputTokens']);
  const cacheRead = countOf(value['cacheReadInputTokens'] ?? value['cacheReadInputTokenCount']);
  const written = countOf(value['cacheWriteInputTokens'] ?? value['cacheWriteInputTokenCount']);
  if (input === null || output === null || cacheRead === null || written === null) return null;
  const cacheWrite1h = Math.min(written, longLived(value));
  return { ...NO_USAGE, input, output, cacheRead, cacheWrite: written - cacheWrite1h, cacheWrite1h };
}

function longLived(usage: JsonObject): number {
  const details = Array.isArray(usage['cacheDetails']) ? usage['cacheDetails'].filter(isObject) : [];
  return details.reduce((sum, detail) => sum + (detail['ttl'] === '1h' ? (countOf(detail['inputTokens']) ?? 0) : 0), 0);
}

/** Absent is 0; null when it is no count. */
function countOf(value: unknown): number | null {
  if (value === undefined || value === null) return 0;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
