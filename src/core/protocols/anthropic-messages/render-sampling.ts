import type { ChatRequest, Sampling } from '../../chat/request.js';
import type { Adjustments } from './adjustments.js';
import type { AnthropicModelFacts } from './model-facts.js';
import type { JsonObject } from './types.js';

/** Sampling parameters that no Anthropic model has. */
const UNKNOWN_HERE: readonly (keyof Sampling)[] = [
  'seed',
  'minP',
  'presencePenalty',
  'frequencyPenalty',
  'repetitionPenalty',
  'logitBias',
  'logprobs',
  'topLogprobs',
];

export function renderSampling(request: ChatRequest, facts: AnthropicModelFacts, thinks: boolean, adjustments: Adjustments): JsonObject {
  const { sampling } = request;
  if ((sampling.n ?? 1) > 1) throw adjustments.refuse('n', 'this model gives one choice per request.');
  for (const name of UNKNOWN_HERE) {
    const value = sampling[name];
    if (value !== undefined && value !== false && value !== 0) adjustments.add(name, 'dropped');
  }
  return { ...renderStop(sampling, adjustments), ...renderRandomness(sampling, facts, thinks, adjustments) };
}

/** Stop sequences without a visible character are a 400 ("each stop sequence must contain non-whitespace"). */
function renderStop(sampling: Sampling, adjustments: Adjustments): JsonObject {
  const stop = sampling.stop ?? [];
  const visible = stop.filter((sequence) => sequence.trim() !== '');
  if (visible.length < stop.length) adjustments.add('stop', visible.length === 0 ? 'dropped' : 'clamped', 'white space only');
  return visible.length === 0 ? {} : { stop_sequences: visible };
}

/** With thinking only temperature 1 and top_p from 0.95 on are taken, top_k not at all (platform.claude.com, extended thinking, 2026-11). */
function renderRandomness(sampling: Sampling, facts: AnthropicModelFacts, thinks: boolean, adjustments: Adjustments): JsonObject {
  const wire: JsonObject = {};
  const none = facts.sampling === 'none';
  const put = (name: 'temperature' | 'topP' | 'topK', wireName: string, value: number | undefined, taken: boolean): void => {
    if (value === undefined) return;
    if (taken) wire[wireName] = value;
    else adjustments.add(name, 'dropped');
  };
  const temperature = clampTemperature(sampling.temperature, adjustments);
  put('temperature', 'temperature', temperature, !none && (!thinks || temperature === 1));
  const second = facts.sampling === 'one' && wire['temperature'] !== undefined;
  put('topP', 'top_p', sampling.topP, !none && !second && (!thinks || (sampling.topP ?? 0) >= 0.95));
  put('topK', 'top_k', sampling.topK, !none && !thinks);
  return wire;
}

function clampTemperature(value: number | undefined, adjustments: Adjustments): number | undefined {
  if (value === undefined) return undefined;
  const clamped = Math.min(1, Math.max(0, value));
  if (clamped !== value) adjustments.add('temperature', 'clamped', String(clamped));
  return clamped;
}
