import { completionTokens, promptTokens, type Usage } from '../../chat/usage.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ResponseDialect, UsageAt, UsageSemantics } from '../dialect.js';
import type { AnswerSummary } from '../protocol.js';

/** `missing`: there was no usage object. `invalid`: its numbers cannot be believed. */
export type ParsedUsage = { usage: Usage; problem?: undefined } | { usage?: undefined; problem: 'missing' | 'invalid' };

const DEFAULT_USAGE_AT: readonly UsageAt[] = ['usage', 'x_groq'];
const MISSING: ParsedUsage = { problem: 'missing' };
const INVALID: ParsedUsage = { problem: 'invalid' };

class InvalidCount extends Error {}

/** Counts as the provider states them, before anything is subtracted from anything. */
interface Counts {
  prompt: number;
  completion: number;
  total: number | undefined;
  cacheRead: number;
  cacheWrite: number;
  audioIn: number;
  /** The details divide the prompt into text, sound and images without a rest. */
  promptIsDivided: boolean;
  reasoning: number;
  audioOut: number;
  image: number;
}

/**
 * An OpenAI-family usage object as disjoint classes. What prompt and completion include is said by
 * `dialect.usageSemantics` (default: everything, as at OpenAI); where the dialect is silent and the provider's own total
 * only adds up without a class (xAI's reasoning, Mistral's audio), that class is taken as not included.
 */
export function parseUsage(raw: unknown, dialect: ResponseDialect): ParsedUsage {
  if (raw === undefined || raw === null) return MISSING;
  if (!isObject(raw)) return INVALID;
  try {
    const counts = readCounts(raw);
    return counts === null ? MISSING : split(counts, dialect.usageSemantics ?? {});
  } catch (error) {
    if (error instanceof InvalidCount) return INVALID;
    throw error;
  }
}

/** What a chunk or an answer says of usage, wherever the dialect has it; undefined: nothing. `usage` is undefined when it cannot be believed. */
export function usageOf(chunk: JsonObject, dialect: ResponseDialect): { usage: Usage | undefined; raw: unknown } | undefined {
  for (const place of dialect.usageAt ?? DEFAULT_USAGE_AT) {
    const raw = place === 'usage' ? chunk['usage'] : isObject(chunk['x_groq']) ? chunk['x_groq']['usage'] : undefined;
    if (raw === undefined || raw === null) continue;
    const { usage, problem } = parseUsage(raw, dialect);
    return problem === 'missing' ? undefined : { usage, raw };
  }
  return undefined;
}

function readCounts(raw: JsonObject): Counts | null {
  if (!statesCounts(raw)) return null;
  const prompt = count(raw['prompt_tokens'] ?? raw['input_tokens']);
  const total = raw['total_tokens'];
  const ofPrompt = promptDetails(raw);
  const ofCompletion = objectOf(raw['completion_tokens_details'] ?? raw['output_tokens_details']);
  return {
    prompt,
    completion: optional(raw['completion_tokens'] ?? raw['output_tokens']),
    total: typeof total === 'number' ? count(total) : undefined,
    cacheRead: cacheReadOf(raw, ofPrompt),
    cacheWrite: cacheWriteOf(raw, ofPrompt),
    audioIn: optional(ofPrompt['audio_tokens'] ?? raw['audio_prompt_tokens']),
    promptIsDivided: isDivided(ofPrompt, prompt),
    reasoning: optional(ofCompletion['reasoning_tokens'] ?? raw['reasoning_tokens']),
    audioOut: optional(ofCompletion['audio_tokens']),
    image: optional(ofCompletion['image_tokens']),
  };
}

function statesCounts(raw: JsonObject): boolean {
  return (
    raw['prompt_tokens'] !== undefined || raw['completion_tokens'] !== undefined || raw['input_tokens'] !== undefined || raw['output_tokens'] !== undefined
  );
}

/** Each provider's own name; the first that says something holds. */
function promptDetails(raw: JsonObject): JsonObject {
  return objectOf(raw['prompt_tokens_details'] ?? raw['prompt_token_details'] ?? raw['input_tokens_details']);
}

function cacheReadOf(raw: JsonObject, ofPrompt: JsonObject): number {
  return optional(ofPrompt['cached_tokens'] ?? raw['num_cached_tokens'] ?? raw['prompt_cache_hit_tokens'] ?? raw['cached_tokens']);
}

function cacheWriteOf(raw: JsonObject, ofPrompt: JsonObject): number {
  return optional(ofPrompt['cache_write_tokens'] ?? ofPrompt['cache_creation_input_tokens'] ?? raw['cache_creation_input_tokens']);
}

function isDivided(ofPrompt: JsonObject, prompt: number): boolean {
  const text = ofPrompt['text_tokens'];
  return text !== undefined && optional(text) + optional(ofPrompt['image_tokens']) === prompt;
}

const NO_DETAILS: JsonObject = {};
const objectOf = (value: unknown): JsonObject => (isObject(value) ? value : NO_DETAILS);

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new InvalidCount();
  return value;
}

const optional = (value: unknown): number => (value === undefined || value === null ? 0 : count(value));

interface Included extends UsageSemantics {
  promptIncludesAudio: boolean;
}

function split(counts: Counts, stated: Partial<UsageSemantics>): ParsedUsage {
  const included = inclusion(counts, stated);
  const input =
    counts.prompt -
    (included.promptIncludesCacheRead ? counts.cacheRead : 0) -
    (included.promptIncludesCacheWrite ? counts.cacheWrite : 0) -
    (included.promptIncludesAudio ? counts.audioIn : 0);
  if (input < 0) return INVALID;
  // Details of the completion only divide it: a division that is too large is cut, the sum stays what was stated.
  let rest = counts.completion;
  const take = (part: number): number => {
    const taken = Math.min(part, rest);
    rest -= taken;
    return taken;
  };
  const reasoning = included.completionIncludesReasoning ? take(counts.reasoning) : counts.reasoning;
  const audioOut = take(counts.audioOut);
  const image = take(counts.image);
  const { cacheRead, cacheWrite, audioIn } = counts;
  return { usage: { input, cacheRead, cacheWrite, cacheWrite1h: 0, output: rest, reasoning, audioIn, audioOut, image } };
}

/** Which classes prompt and completion include. */
function inclusion(counts: Counts, stated: Partial<UsageSemantics>): Included {
  const included = asStated(stated);
  // Grok's hidden system prompt: 161 cached tokens beside a prompt of 7, all 7 of them text (recorded at Azure AI, 2026).
  if (stated.promptIncludesCacheRead === undefined && counts.cacheRead > counts.prompt && counts.promptIsDivided) included.promptIncludesCacheRead = false;
  const beyond = (counts.total ?? 0) - counts.prompt - counts.completion - outside(counts, stated);
  if (beyond <= 0) return included;
  const silent = [
    ['completionIncludesReasoning', counts.reasoning],
    ['promptIncludesAudio', counts.audioIn],
    ['promptIncludesCacheRead', counts.cacheRead],
    ['promptIncludesCacheWrite', counts.cacheWrite],
  ] as const;
  for (const [name, tokens] of silent) {
    if (tokens === beyond && (stated as Partial<Included>)[name] === undefined) return { ...included, [name]: false };
  }
  return included;
}

function asStated({ promptIncludesCacheRead = true, promptIncludesCacheWrite = true, completionIncludesReasoning = true }: Partial<UsageSemantics>): Included {
  return { promptIncludesCacheRead, promptIncludesCacheWrite, completionIncludesReasoning, promptIncludesAudio: true };
}

/** Tokens that the dialect itself says stand beside prompt and completion. */
function outside(counts: Counts, stated: Partial<UsageSemantics>): number {
  return (
    (stated.completionIncludesReasoning === false ? counts.reasoning : 0) +
    (stated.promptIncludesCacheRead === false ? counts.cacheRead : 0) +
    (stated.promptIncludesCacheWrite === false ? counts.cacheWrite : 0)
  );
}

/** Usage in OpenAI's meaning, with what it cost. Never the provider's own object: that may hold the operator's prices. */
export function renderUsage({ usage, estimated, costUsd, costDetails }: AnswerSummary): JsonObject {
  const prompt = promptTokens(usage);
  const completion = completionTokens(usage);
  const cacheWrite = usage.cacheWrite + usage.cacheWrite1h;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: usage.cacheRead, audio_tokens: usage.audioIn, ...(cacheWrite > 0 ? { cache_write_tokens: cacheWrite } : {}) },
    completion_tokens_details: { reasoning_tokens: usage.reasoning, audio_tokens: usage.audioOut, ...(usage.image > 0 ? { image_tokens: usage.image } : {}) },
    ...(estimated ? { estimated: true } : {}),
    ...(costUsd === undefined ? {} : { cost: Number(costUsd) }),
    ...(costDetails === undefined ? {} : { cost_details: costDetails }),
  };
}
