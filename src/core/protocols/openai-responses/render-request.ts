import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest, ReasoningEffort, ReasoningRequest, Sampling } from '../../chat/request.js';
import type { JsonObject } from '../../json/index.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { instructionsOf, renderInput } from './render-input.js';
import { renderFormat, renderToolChoice, renderTools } from './render-tools.js';

const SAMPLING: readonly (readonly [keyof Sampling, string])[] = [
  ['temperature', 'temperature'],
  ['topP', 'top_p'],
  ['topLogprobs', 'top_logprobs'],
];
/** Parameters that this API does not have (https://platform.openai.com/docs/api-reference/responses/create, 2026-11). */
const UNKNOWN: readonly (keyof Sampling)[] = ['topK', 'minP', 'seed', 'stop', 'n', 'presencePenalty', 'frequencyPenalty', 'repetitionPenalty', 'logitBias'];
const OPTIONS: readonly (readonly [keyof ChatRequest, string])[] = [
  ['maxOutputTokens', 'max_output_tokens'],
  ['parallelToolCalls', 'parallel_tool_calls'],
  ['promptCacheKey', 'prompt_cache_key'],
  ['serviceTier', 'service_tier'],
  ['metadata', 'metadata'],
  ['user', 'user'],
  ['safetyIdentifier', 'safety_identifier'],
];

/**
 * Canonical → Responses wire, for clients of another protocol. Nothing is stored at the provider unless the client asked for it,
 * so thoughts travel encrypted where the client asked for reasoning (OpenAI refuses that word for models that do not reason).
 */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const report: ParameterAdjustment[] = [];
  const instructions = instructionsOf(request.messages);
  const messages = instructions === undefined ? request.messages : request.messages.slice(1);
  const wire: JsonObject = { model: context.upstreamModel };
  if (instructions !== undefined) wire['instructions'] = instructions;
  wire['input'] = renderInput(messages, report);
  for (const [name, key] of OPTIONS) if (request[name] !== undefined) wire[key] = request[name];
  addSampling(wire, request, report);
  addTools(wire, request, report);
  addText(wire, request);
  addReasoning(wire, request, { reasons: context.reasons, report });
  wire['store'] = request.store ?? false;
  if (request.stream) wire['stream'] = true;
  for (const name of Object.keys(request.extra)) report.push({ parameter: name, action: 'dropped' });
  return { wire, report };
}

function addSampling(wire: JsonObject, { sampling, wireNames }: ChatRequest, report: ParameterAdjustment[]): void {
  for (const [name, key] of SAMPLING) if (sampling[name] !== undefined) wire[key] = sampling[name];
  if (sampling.logprobs === true) wire['include'] = ['message.output_text.logprobs'];
  for (const name of UNKNOWN) {
    const value = sampling[name];
    if (value !== undefined && !(name === 'n' && value === 1)) report.push({ parameter: wireNames[name] ?? name, action: 'dropped' });
  }
}

function addTools(wire: JsonObject, request: ChatRequest, report: ParameterAdjustment[]): void {
  const tools = renderTools(request.tools, report);
  if (tools.length === 0) {
    delete wire['parallel_tool_calls'];
    return;
  }
  wire['tools'] = tools;
  if (request.toolChoice !== undefined) wire['tool_choice'] = renderToolChoice(request.toolChoice, request.tools);
}

function addText(wire: JsonObject, { responseFormat, verbosity }: ChatRequest): void {
  if (responseFormat === undefined && verbosity === undefined) return;
  wire['text'] = {
    ...(responseFormat === undefined ? {} : { format: renderFormat(responseFormat) }),
    ...(verbosity === undefined ? {} : { verbosity }),
  };
}

function addReasoning(wire: JsonObject, { reasoning, wireNames }: ChatRequest, { reasons, report }: { reasons: boolean; report: ParameterAdjustment[] }): void {
  if (reasoning === undefined) return;
  const parameter = wireNames['reasoning'] ?? 'reasoning';
  const effort = effortOf(reasoning);
  const off = effort === 'none';
  if (!reasons) {
    if (!off) report.push({ parameter, action: 'dropped' });
  } else if (off) {
    wire['reasoning'] = { effort };
  } else {
    askForThoughts(wire, effort, reasoning.summary);
    if (reasoning.effort === undefined && effort !== undefined) report.push({ parameter, action: 'renamed', detail: `reasoning.effort:${effort}` });
  }
}

/** Chat clients that ask for reasoning want to see it; without `summary` this API shows none. */
function askForThoughts(wire: JsonObject, effort: ReasoningEffort | undefined, summary = 'auto'): void {
  const asked = Array.isArray(wire['include']) ? (wire['include'] as unknown[]) : [];
  wire['reasoning'] = { ...(effort === undefined ? {} : { effort }), summary };
  wire['include'] = [...asked, 'reasoning.encrypted_content'];
}

/** Budgets as efforts, by Google's own table read backwards (https://ai.google.dev/gemini-api/docs/openai, 2026-11). */
function effortOf({ effort, enabled, budgetTokens }: ReasoningRequest): ReasoningEffort | undefined {
  if (enabled === false || budgetTokens === 0) return 'none';
  if (effort !== undefined) return effort;
  if (budgetTokens === undefined) return undefined;
  if (budgetTokens <= 1_024) return 'low';
  return budgetTokens <= 8_192 ? 'medium' : 'high';
}
