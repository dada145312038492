import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { isObject, type JsonObject } from '../../json/index.js';

/**
 * `usage.tokens` is what the model read and wrote, `usage.billed_units` what Cohere invoices: without its own template of 500 to
 * 1,500 tokens and without thoughts' markers. `cached_tokens` counts into `tokens` (recorded 2026: tokens 1394, cached 1360, billed 8),
 * so `tokens` is the only set of numbers that fits together, and the one other clients show. The billed units stay in the raw usage.
 * `reasoning_tokens` are part of the output. `undefined`: none were sent; null: numbers that cannot be believed.
 */
export function parseUsage(value: unknown): Usage | null | undefined {
  if (!isObject(value)) return undefined;
  const counted = countsIn(value['tokens']) ?? countsIn(value['billed_units']);
  if (counted === undefined) return undefined;
  const input = countOf(counted['input_tokens']);
  const output = countOf(counted['output_tokens']);
  const reasoning = countOf(counted['reasoning_tokens']);
  const cached = countOf(value['cached_tokens']);
  if (input === null || output === null || reasoning === null || cached === null) return null;
  if (cached > input || reasoning > output) return null;
  return { ...NO_USAGE, input: input - cached, cacheRead: cached, output: output - reasoning, reasoning };
}

function countsIn(value: unknown): JsonObject | undefined {
  return isObject(value) && (value['input_tokens'] !== undefined || value['output_tokens'] !== undefined) ? value : undefined;
}

/** Absent is 0; null when it is no count. Cohere writes whole numbers as decimals at times (`8.0`). */
function countOf(value: unknown): number | null {
  if (value === undefined || value === null) return 0;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
