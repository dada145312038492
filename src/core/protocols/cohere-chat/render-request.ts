import type { ChatRequest, FunctionTool, ReasoningRequest } from '../../chat/request.js';
import type { JsonObject } from '../../json/index.js';
import { AdjustmentReport } from '../adjustment-report.js';
import { forcesTool, offeredTools } from '../offered-tools.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { renderMessages } from './render-messages.js';

/** Members that Cohere knows and our vocabulary does not: passed on as they are. */
const OWN: ReadonlySet<string> = new Set(['documents', 'citation_options', 'safety_mode', 'priority', 'raw_prompting']);
const NO_EQUAL = ['parallelToolCalls', 'promptCacheKey', 'serviceTier', 'metadata', 'user', 'safetyIdentifier', 'store', 'verbosity', 'models'];
const NO_SAMPLING = ['minP', 'repetitionPenalty', 'logitBias', 'topLogprobs'];

/** Ranges of https://docs.cohere.com/reference/chat (read 2026-11-21); outside of them Cohere answers 400. */
const P_RANGE = { min: 0.01, max: 0.99 };
const K_RANGE = { min: 0, max: 500 };
const PENALTY_RANGE = { min: 0, max: 1 };
const MAX_STOPS = 5;

/** Efforts as `token_budget`; from `high` on the model decides itself. */
const BUDGET: Readonly<Record<string, number>> = { minimal: 512, low: 1_024, medium: 4_096 };

/** Canonical → `/v2/chat`. Throws GatewayError 400 for what cannot be sent. */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const report = new AdjustmentReport(request.wireNames);
  report.refuseOtherOutputs(request);
  const wire: JsonObject = {
    model: context.upstreamModel,
    messages: renderMessages(request.messages),
    stream: request.stream,
    ...toolsOf(request, report),
    ...formatOf(request),
    ...thinkingOf(request.reasoning, context, report),
    ...samplingOf(request, report),
    ...Object.fromEntries(Object.entries(request.extra).filter(([name]) => OWN.has(name))),
  };
  report.dropFrom(request, NO_EQUAL);
  report.dropFrom(request.sampling, NO_SAMPLING);
  report.dropExtra(request.extra, OWN);
  return { wire, report: report.adjustments };
}

/** `tool_choice` knows REQUIRED and NONE; one named tool is REQUIRED with no other tool in sight. */
function toolsOf(request: ChatRequest, report: AdjustmentReport): JsonObject {
  const tools = offeredTools(request, report);
  if (tools.length === 0) return {};
  return {
    tools: tools.map(renderTool),
    ...(forcesTool(request) && { tool_choice: 'REQUIRED' }),
    ...(request.toolChoice?.type === 'none' && { tool_choice: 'NONE' }),
    // One switch for all of them, and with it every schema must have at least one required member.
    ...(tools.every((tool) => tool.strict === true) && { strict_tools: true }),
  };
}

function renderTool(tool: FunctionTool): JsonObject {
  const { name, description, parameters } = tool;
  return {
    type: 'function',
    function: { name, ...(description !== undefined && { description }), parameters: parameters ?? { type: 'object', properties: {} } },
  };
}

/** A schema stands inside `json_object` (https://docs.cohere.com/docs/structured-outputs, read 2026-11-21). */
function formatOf({ responseFormat }: ChatRequest): JsonObject {
  if (responseFormat === undefined || responseFormat.type === 'text') return {};
  if (responseFormat.type === 'json') return { response_format: { type: 'json_object' } };
  return { response_format: { type: 'json_object', json_schema: responseFormat.schema } };
}

function thinkingOf(asked: ReasoningRequest | undefined, context: UpstreamRenderContext, report: AdjustmentReport): JsonObject {
  if (asked === undefined) return {};
  const off = asked.enabled === false || asked.effort === 'none';
  if (!context.reasons) {
    if (!off) report.add('reasoning', 'dropped');
    return {};
  }
  return off ? { thinking: { type: 'disabled' } } : { thinking: thinkingWanted(asked, report) };
}

function thinkingWanted(asked: ReasoningRequest, report: AdjustmentReport): JsonObject {
  const budget = asked.budgetTokens ?? BUDGET[asked.effort ?? ''];
  if (asked.effort !== undefined) report.add('reasoning', 'emulated', budget === undefined ? 'enabled' : `token_budget ${budget}`);
  return { type: 'enabled', ...(budget !== undefined && { token_budget: budget }) };
}

function samplingOf(request: ChatRequest, report: AdjustmentReport): JsonObject {
  const { sampling } = request;
  const stop = sampling.stop?.slice(0, MAX_STOPS);
  if (stop !== undefined && stop.length < (sampling.stop?.length ?? 0)) report.add('stop', 'clamped', String(MAX_STOPS));
  const named: JsonObject = {
    max_tokens: request.maxOutputTokens,
    temperature: sampling.temperature,
    p: report.clamp('topP', sampling.topP, P_RANGE),
    k: report.clamp('topK', sampling.topK, K_RANGE),
    seed: sampling.seed,
    frequency_penalty: report.clamp('frequencyPenalty', sampling.frequencyPenalty, PENALTY_RANGE),
    presence_penalty: report.clamp('presencePenalty', sampling.presencePenalty, PENALTY_RANGE),
    stop_sequences: stop,
  };
  if (sampling.logprobs === true) report.add('logprobs', 'dropped');
  return Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
}
