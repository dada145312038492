import { NO_USAGE, type Usage } from '../../chat/usage.js';
import type { UsageSemantics } from '../dialect.js';
import { isObject, type JsonObject } from './types.js';

/** Anthropic's own convention: `input_tokens` without what was read from or written to the cache, `output_tokens` with thinking. */
const SEMANTICS: UsageSemantics = { promptIncludesCacheRead: false, promptIncludesCacheWrite: false, completionIncludesReasoning: true };

/**
 * Iterations whose tokens belong to the model that serves: the answer's own, compactions (not in the top-level numbers) and a fallback
 * model's. An advisor's are another model's at another price and stay in the raw usage (SDK 1.11 `BetaIterationsUsage`, read 2026-11).
 */
const SUMMED_ITERATIONS: ReadonlySet<unknown> = new Set(['message', 'compaction', 'fallback_message']);

interface Counts {
  input: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWrite1h: number;
  output: number;
}

/**
 * A `usage` object → disjoint classes; null when a number in it cannot be believed. In streams: the merged object of
 * message_start and message_delta, whose numbers are cumulative.
 */
export function parseUsage(usage: JsonObject, semantics: Partial<UsageSemantics> = {}): Usage | null {
  const counts = countsOf(usage);
  const thinking = countOf(isObject(usage['output_tokens_details']) ? usage['output_tokens_details'] : {}, 'thinking_tokens');
  if (counts === null || thinking === null) return null;
  const rules = { ...SEMANTICS, ...semantics };
  const written = counts.cacheWrite + counts.cacheWrite1h;
  const included = (rules.promptIncludesCacheRead ? counts.cacheRead : 0) + (rules.promptIncludesCacheWrite ? written : 0);
  const reasoning = rules.completionIncludesReasoning ? Math.min(thinking, counts.output) : thinking;
  return {
    ...NO_USAGE,
    input: Math.max(0, counts.input - included),
    cacheRead: counts.cacheRead,
    cacheWrite: counts.cacheWrite,
    cacheWrite1h: counts.cacheWrite1h,
    output: rules.completionIncludesReasoning ? counts.output - reasoning : counts.output,
    reasoning,
  };
}

/** message_delta's numbers replace message_start's one by one: they are cumulative, and `input_tokens` may be corrected (server tools, fallbacks). */
export function mergeUsage(before: JsonObject, delta: JsonObject): JsonObject {
  return { ...before, ...Object.fromEntries(Object.entries(delta).filter(([, value]) => value !== null && value !== undefined)) };
}

function countsOf(usage: JsonObject): Counts | null {
  const iterations = usage['iterations'];
  const summed = Array.isArray(iterations) ? iterations.filter((entry) => isObject(entry) && SUMMED_ITERATIONS.has(entry['type'])) : [];
  if (summed.length === 0) return single(usage);
  return summed.map((entry) => single(entry as JsonObject)).reduce((sum, entry) => (sum === null || entry === null ? null : add(sum, entry)));
}

function add(a: Counts, b: Counts): Counts {
  return {
    input: a.input + b.input,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
    cacheWrite1h: a.cacheWrite1h + b.cacheWrite1h,
    output: a.output + b.output,
  };
}

function single(usage: JsonObject): Counts | null {
  const input = countOf(usage, 'input_tokens');
  const output = countOf(usage, 'output_tokens');
  const cacheRead = countOf(usage, 'cache_read_input_tokens');
  const writes = writesOf(usage);
  if (input === null || output === null || cacheRead === null || writes === null) return null;
  return { input, output, cacheRead, ...writes };
}

/**
 * `cache_creation` splits `cache_creation_input_tokens` by lifetime, but message_delta repeats only the total, which server tools
 * raise (recorded 2026: 3,068 at the start, 3,337 at the end). What the split does not explain has the lifetime the split shows.
 */
function writesOf(usage: JsonObject): Pick<Counts, 'cacheWrite' | 'cacheWrite1h'> | null {
  const split = isObject(usage['cache_creation']) ? usage['cache_creation'] : {};
  const short = countOf(split, 'ephemeral_5m_input_tokens');
  const long = countOf(split, 'ephemeral_1h_input_tokens');
  const total = countOf(usage, 'cache_creation_input_tokens');
  if (short === null || long === null || total === null) return null;
  if (usage['cache_creation_input_tokens'] === undefined || usage['cache_creation_input_tokens'] === null) return { cacheWrite: short, cacheWrite1h: long };
  const cacheWrite1h = short === 0 && long > 0 ? total : Math.min(long, total);
  return { cacheWrite: total - cacheWrite1h, cacheWrite1h };
}

/** Absent is 0; null when it is no count. */
function countOf(object: JsonObject, key: string): number | null {
  const value = object[key];
  if (value === undefined || value === null) return 0;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}
