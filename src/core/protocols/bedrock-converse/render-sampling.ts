import type { ChatRequest } from '../../chat/request.js';
import type { JsonObject } from '../../json/index.js';
import type { AdjustmentReport } from '../adjustment-report.js';
import type { UpstreamRenderContext } from '../protocol.js';
import type { BedrockFacts } from './model-facts.js';
import type { ReasoningPlan } from './render-reasoning.js';

const NO_EQUAL = ['seed', 'minP', 'presencePenalty', 'frequencyPenalty', 'repetitionPenalty', 'logitBias', 'logprobs', 'topLogprobs'];
const TEMPERATURE = { min: 0, max: 1 };

export interface RenderedSampling {
  inferenceConfig: JsonObject;
  /** Members of `additionalModelRequestFields`. */
  fields: JsonObject;
}

/** `inferenceConfig` has what all models share: maxTokens, temperature, topP, stopSequences; top_k is the model's own. */
export function renderSampling(
  request: ChatRequest,
  { facts, limits }: { facts: BedrockFacts; limits: ReasoningPlan['limits'] },
  report: AdjustmentReport,
): RenderedSampling {
  const { sampling } = request;
  report.dropFrom(sampling, NO_EQUAL);
  const random = randomness(request, { facts, limits }, report);
  const named: JsonObject = { ...random, stopSequences: stopOf(sampling.stop, report) };
  return {
    inferenceConfig: Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined)),
    fields: topKOf(request, facts, limits, report),
  };
}

/** The smaller of what was asked and what the model can write: more is refused. */
export function maxTokensOf(request: ChatRequest, context: UpstreamRenderContext, report: AdjustmentReport): number | undefined {
  const asked = request.maxOutputTokens;
  const cap = context.maxOutputTokens;
  if (asked === undefined || cap === undefined || asked <= cap) return asked;
  report.add('maxOutputTokens', 'clamped', String(cap));
  return cap;
}

/** With thinking Claude takes no temperature but 1 and no top_p below 0.95; newer Claudes take one of the two at all. */
function randomness(request: ChatRequest, { facts, limits }: { facts: BedrockFacts; limits: ReasoningPlan['limits'] }, report: AdjustmentReport): JsonObject {
  const temperature = report.clamp('temperature', request.sampling.temperature, TEMPERATURE);
  const { topP } = request.sampling;
  const kept: JsonObject = {};
  const keep = (name: 'temperature' | 'topP', value: number | undefined, taken: boolean): void => {
    if (value !== undefined && taken) kept[name] = value;
    else if (value !== undefined) report.add(name, 'dropped');
  };
  keep('temperature', temperature, facts.sampling !== 'none' && withinLimits(limits, temperature === 1));
  const second = facts.sampling === 'one' && kept['temperature'] !== undefined;
  keep('topP', topP, facts.sampling !== 'none' && !second && withinLimits(limits, (topP ?? 0) >= 0.95));
  return kept;
}

const withinLimits = (limits: ReasoningPlan['limits'], withThinking: boolean): boolean => limits === 'none' || (limits === 'claude' && withThinking);

/** Stop sequences without a visible character are refused. */
function stopOf(stop: string[] | undefined, report: AdjustmentReport): string[] | undefined {
  const visible = stop?.filter((sequence) => sequence.trim() !== '') ?? [];
  if (visible.length < (stop?.length ?? 0)) report.add('stop', visible.length === 0 ? 'dropped' : 'clamped', 'white space only');
  return visible.length === 0 ? undefined : visible;
}

function topKOf({ sampling }: ChatRequest, facts: BedrockFacts, limits: ReasoningPlan['limits'], report: AdjustmentReport): JsonObject {
  if (sampling.topK === undefined) return {};
  if (facts.family === 'claude' && facts.sampling !== 'none' && limits === 'none') return { top_k: sampling.topK };
  if (facts.family === 'nova' && limits === 'none') return { inferenceConfig: { topK: sampling.topK } };
  report.add('topK', 'dropped');
  return {};
}
