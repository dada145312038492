import { completionTokens, promptTokens, type Usage } from '../../chat/usage.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { UsageSemantics } from '../dialect.js';
import type { AnswerSummary } from '../protocol.js';

/** `missing`: there was no usage object. `invalid`: its numbers cannot be believed. */
export type ParsedUsage = { usage: Usage; problem?: undefined } | { usage?: undefined; problem: 'missing' | 'invalid' };

/**
 * Disjoint classes from `{input_tokens, input_tokens_details, output_tokens, output_tokens_details}`. Input includes cached and
 * cache-written tokens, output includes reasoning, unless the dialect says otherwise.
 */
export function parseUsage(raw: unknown, semantics: Partial<UsageSemantics> = {}): ParsedUsage {
  if (!isObject(raw)) return { problem: raw === undefined || raw === null ? 'missing' : 'invalid' };
  if (raw['input_tokens'] === undefined && raw['output_tokens'] === undefined) return { problem: 'missing' };
  const before = isObject(raw['input_tokens_details']) ? raw['input_tokens_details'] : {};
  const after = isObject(raw['output_tokens_details']) ? raw['output_tokens_details'] : {};
  const counts = {
    input: count(raw['input_tokens']),
    output: count(raw['output_tokens']),
    cacheRead: count(before['cached_tokens']),
    cacheWrite: count(before['cache_write_tokens']),
    audioIn: count(before['audio_tokens']),
    reasoning: count(after['reasoning_tokens']),
    audioOut: count(after['audio_tokens']),
  };
  if (Object.values(counts).some(Number.isNaN)) return { problem: 'invalid' };
  return split(counts, semantics);
}

type Counts = Record<'input' | 'output' | 'cacheRead' | 'cacheWrite' | 'audioIn' | 'reasoning' | 'audioOut', number>;

function split(counts: Counts, semantics: Partial<UsageSemantics>): ParsedUsage {
  const { cacheRead, cacheWrite, audioIn } = counts;
  const included = (semantics.promptIncludesCacheRead === false ? 0 : cacheRead) + (semantics.promptIncludesCacheWrite === false ? 0 : cacheWrite) + audioIn;
  const input = counts.input - included;
  if (input < 0) return { problem: 'invalid' };
  // Details of the output only divide it: a division that is too large is cut, the sum stays what was stated.
  const outside = semantics.completionIncludesReasoning === false;
  const reasoning = outside ? counts.reasoning : Math.min(counts.reasoning, counts.output);
  const rest = outside ? counts.output : counts.output - reasoning;
  const audioOut = Math.min(counts.audioOut, rest);
  return { usage: { input, cacheRead, cacheWrite, cacheWrite1h: 0, output: rest - audioOut, reasoning, audioIn, audioOut, image: 0 } };
}

function count(value: unknown): number {
  if (value === undefined || value === null) return 0;
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : Number.NaN;
}

/** Usage in OpenAI's meaning, with what it cost. Never the provider's own object: that may hold the operator's prices. */
export function renderUsage({ usage, estimated, costUsd, costDetails }: AnswerSummary): JsonObject {
  const input = promptTokens(usage);
  const output = completionTokens(usage);
  const written = usage.cacheWrite + usage.cacheWrite1h;
  return {
    input_tokens: input,
    input_tokens_details: { cached_tokens: usage.cacheRead, ...(written > 0 ? { cache_write_tokens: written } : {}) },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: input + output,
    ...(estimated ? { estimated: true } : {}),
    ...(costUsd === undefined ? {} : { cost: Number(costUsd) }),
    ...(costDetails === undefined ? {} : { cost_details: costDetails }),
  };
}
