import type { ChatRequest, Sampling } from '../../chat/request.js';
import type { Adjustments } from './adjustments.js';
import type { AnthropicModelFacts } from './model-facts.js';
import type { JsonObject } from './types.js';

/** Sampling parameters that no Anthropic model has. */
const UNKNOWN_HERE: readonly (keyof Sampling)[] = ['seed', 'minP', 'presencePenalty', 'frequencyPenalty', 'repetitionPenalty', 'logitBias', 'logprobs', 'topLogprobs'];

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

function renderRandomness(sampling: Sampling, facts: AnthropicModelFacts, thinks: boolean, adjustments: Adjustments): JsonObject {
  const wire: JsonObject = {};
  const { topP, topK } = sampling;
  const temperature = clampTemperature(sampling.temperature, adjustments);
  // With thinking only temperature 1 and top_p from 0.95 on are taken, top_k not at all (platform.claude.com, extended thinking, 2026-11).
  if (temperature !== undefined) {
    if (facts.sampling === 'none' || (thinks && temperature !== 1)) adjustments.add('temperature', 'dropped');
    else wire['temperature'] = temperature;
  }
  if (topP !== undefined) {
    const second = facts.sampling === 'one' && wire['temperature'] !== undefined;
    if (facts.sampling === 'none' || second || (thinks && topP < 0.95)) adjustments.add('topP', 'dropped');
    else wire['top_p'] = topP;
  }
  if (topK !== undefined) {
    if (facts.sampling === 'none' || thinks) adjustments.add('topK', 'dropped');
    else wire['top_k'] = topK;
  }
  return wire;
}

function clampTemperature(value: number | undefined, adjustments: Adjustments): number | undefined {
  if (value === undefined) return undefined;
  const clamped = Math.min(1, Math.max(0, value));
  if (clamped !== value) adjustments.add('temperature', 'clamped', String(clamped));
  return clamped;
}
