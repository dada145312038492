import type { ChatRequest, FunctionTool, ReasoningRequest } from '../../chat/request.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { AdjustmentReport } from '../adjustment-report.js';
import { offeredTools } from '../offered-tools.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { renderMessages } from './render-messages.js';

/** Members that Ollama knows and our vocabulary does not. `num_ctx` is taken at the top too, where OpenAI's clients can put it. */
const OWN: ReadonlySet<string> = new Set(['options', 'keep_alive', 'num_ctx', 'think', 'template', 'raw']);
const FORWARDED = ['keep_alive', 'template', 'raw'];
const NO_EQUAL = ['promptCacheKey', 'serviceTier', 'metadata', 'user', 'safetyIdentifier', 'store', 'verbosity', 'models', 'parallelToolCalls'];

/**
 * Canonical → `/api/chat`. Model facts read: `num_ctx` (the context the server shall hold; without it Ollama silently cuts a prompt
 * longer than its own default), `think_levels: true` (gpt-oss: `think` is a level, not a switch). Throws GatewayError 400.
 */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const report = new AdjustmentReport(request.wireNames);
  report.refuseOtherOutputs(request);
  const options = optionsOf(request, context);
  const wire: JsonObject = {
    model: context.upstreamModel,
    messages: renderMessages(request.messages),
    // Without it Ollama streams.
    stream: request.stream,
    ...toolsOf(request, report),
    ...formatOf(request),
    ...thinkOf(request.reasoning, context, report),
    ...logprobsOf(request),
    ...(Object.keys(options).length > 0 && { options }),
    ...Object.fromEntries(FORWARDED.filter((name) => request.extra[name] !== undefined).map((name) => [name, request.extra[name]])),
  };
  report.dropFrom(request, NO_EQUAL);
  report.dropFrom(request.sampling, ['logitBias']);
  report.dropExtra(request.extra, OWN);
  return { wire, report: report.adjustments };
}

/** Ollama has no `tool_choice`: none is no tools, one named tool is that tool alone; being forced to call cannot be had. */
function toolsOf(request: ChatRequest, report: AdjustmentReport): JsonObject {
  if (request.toolChoice?.type === 'none') return {};
  const tools = offeredTools(request, report).map(renderTool);
  if (request.toolChoice?.type === 'required') report.add('toolChoice', 'dropped');
  return tools.length === 0 ? {} : { tools };
}

function renderTool({ name, description, parameters }: FunctionTool): JsonObject {
  const described = description === undefined ? {} : { description };
  return { type: 'function', function: { name, ...described, parameters: parameters ?? { type: 'object', properties: {} } } };
}

function formatOf({ responseFormat }: ChatRequest): JsonObject {
  if (responseFormat === undefined || responseFormat.type === 'text') return {};
  return { format: responseFormat.type === 'json' ? 'json' : responseFormat.schema };
}

function thinkOf(asked: ReasoningRequest | undefined, context: UpstreamRenderContext, report: AdjustmentReport): JsonObject {
  if (asked === undefined) return {};
  const off = asked.enabled === false || asked.effort === 'none';
  if (!context.reasons) {
    if (!off) report.add('reasoning', 'dropped');
    return {};
  }
  if (asked.budgetTokens !== undefined) report.add('reasoning', 'emulated', 'think');
  if (context.modelFacts['think_levels'] !== true) {
    if (asked.effort !== undefined && !off) report.add('reasoning', 'emulated', 'think');
    return { think: !off };
  }
  return { think: levelOf(asked, report) };
}

/** Levels are low, medium and high, and thinking cannot be switched off. */
function levelOf(asked: ReasoningRequest, report: AdjustmentReport): string {
  const effort = asked.enabled === false ? 'none' : (asked.effort ?? 'medium');
  if (effort === 'low' || effort === 'medium' || effort === 'high') return effort;
  const level = effort === 'xhigh' || effort === 'max' ? 'high' : 'low';
  report.add('reasoning', 'clamped', level);
  return level;
}

/** Since 0.12.11 (https://github.com/ollama/ollama/releases, read 2026-11-21). */
function logprobsOf({ sampling }: ChatRequest): JsonObject {
  if (sampling.logprobs !== true) return {};
  return { logprobs: true, ...(sampling.topLogprobs !== undefined && { top_logprobs: sampling.topLogprobs }) };
}

function optionsOf(request: ChatRequest, context: UpstreamRenderContext): JsonObject {
  const { sampling, extra } = request;
  const named: JsonObject = {
    num_ctx: extra['num_ctx'] ?? context.modelFacts['num_ctx'],
    num_predict: request.maxOutputTokens,
    temperature: sampling.temperature,
    top_p: sampling.topP,
    top_k: sampling.topK,
    min_p: sampling.minP,
    seed: sampling.seed,
    stop: sampling.stop,
    presence_penalty: sampling.presencePenalty,
    frequency_penalty: sampling.frequencyPenalty,
    repeat_penalty: sampling.repetitionPenalty,
  };
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  return { ...given, ...(isObject(extra['options']) ? extra['options'] : {}) };
}
