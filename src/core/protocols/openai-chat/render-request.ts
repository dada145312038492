import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest, ReasoningEffort, ReasoningRequest, ResponseFormat, Sampling, Tool, ToolChoice } from '../../chat/request.js';
import type { JsonObject } from '../../json/index.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';
import { renderMessages, type MessageContext } from './render-messages.js';

const SAMPLING: readonly (readonly [keyof Sampling, string])[] = [
  ['temperature', 'temperature'],
  ['topP', 'top_p'],
  ['topK', 'top_k'],
  ['minP', 'min_p'],
  ['seed', 'seed'],
  ['stop', 'stop'],
  ['n', 'n'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['repetitionPenalty', 'repetition_penalty'],
  ['logitBias', 'logit_bias'],
  ['logprobs', 'logprobs'],
  ['topLogprobs', 'top_logprobs'],
];

const OPTIONS: readonly (readonly [keyof ChatRequest, string])[] = [
  ['maxOutputTokens', 'max_tokens'],
  ['parallelToolCalls', 'parallel_tool_calls'],
  ['promptCacheKey', 'prompt_cache_key'],
  ['serviceTier', 'service_tier'],
  ['metadata', 'metadata'],
  ['user', 'user'],
  ['safetyIdentifier', 'safety_identifier'],
  ['store', 'store'],
  ['verbosity', 'verbosity'],
  ['modalities', 'modalities'],
  ['audioOutput', 'audio'],
];

const REPLAYS: ReadonlySet<unknown> = new Set(['reasoning_content', 'reasoning', 'reasoning_details', 'none']);

/**
 * Canonical → OpenAI wire, for clients of another protocol. Everything OpenAI's family knows is written under its widest
 * known name (`max_tokens`); a provider that wants another name, or less, says so in its dialect. Reads
 * `modelFacts.reasoningReplay` (`reasoning_content` by default for models that reason).
 */
export function renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const report: ParameterAdjustment[] = [];
  const wire: JsonObject = { model: context.upstreamModel, messages: renderMessages(request.messages, { replay: replayOf(context), report }) };
  for (const [name, key] of SAMPLING) if (request.sampling[name] !== undefined) wire[key] = request.sampling[name];
  for (const [name, key] of OPTIONS) if (request[name] !== undefined) wire[key] = request[name];
  addTools(wire, request, report);
  if (request.responseFormat !== undefined) wire['response_format'] = renderResponseFormat(request.responseFormat);
  addReasoning(wire, request, { reasons: context.reasons, report });
  if (request.stream) Object.assign(wire, { stream: true, stream_options: { include_usage: true } });
  for (const name of Object.keys(request.extra)) report.push({ parameter: name, action: 'dropped' });
  return { wire, report };
}

function replayOf({ modelFacts, reasons }: UpstreamRenderContext): MessageContext['replay'] {
  const stated = modelFacts['reasoningReplay'];
  if (REPLAYS.has(stated)) return stated as MessageContext['replay'];
  return reasons ? 'reasoning_content' : 'none';
}

function addTools(wire: JsonObject, request: ChatRequest, report: ParameterAdjustment[]): void {
  const tools = request.tools.flatMap((tool) => renderTool(tool, report) ?? []);
  if (tools.length === 0) {
    // A choice among no tools is refused by OpenAI.
    delete wire['parallel_tool_calls'];
    return;
  }
  wire['tools'] = tools;
  if (request.toolChoice !== undefined) wire['tool_choice'] = renderToolChoice(request.toolChoice);
}

function renderTool(tool: Tool, report: ParameterAdjustment[]): unknown {
  if (tool.type === 'opaque') {
    if (tool.protocol === 'openai-chat') return tool.value;
    report.push({ parameter: 'tools', action: 'dropped', detail: tool.name ?? tool.protocol });
    return null;
  }
  const { name, description, parameters, strict, cacheControl } = tool;
  const definition: JsonObject = {
    name,
    ...(description === undefined ? {} : { description }),
    ...(parameters === undefined ? {} : { parameters }),
    ...(strict === undefined ? {} : { strict }),
  };
  return { type: 'function', function: definition, ...(cacheControl === undefined ? {} : { cache_control: cacheControl }) };
}

function renderToolChoice(choice: ToolChoice): unknown {
  const named = (name: string) => ({ type: 'function', function: { name } });
  if (choice.type === 'tool') return named(choice.name);
  if (choice.type === 'allowed') return { type: 'allowed_tools', allowed_tools: { mode: choice.mode, tools: choice.names.map(named) } };
  return choice.type;
}

function renderResponseFormat(format: ResponseFormat): JsonObject {
  if (format.type === 'text') return { type: 'text' };
  if (format.type === 'json') return { type: 'json_object' };
  const { name, description, schema, strict } = format;
  return {
    type: 'json_schema',
    json_schema: { name, ...(description === undefined ? {} : { description }), schema, ...(strict === undefined ? {} : { strict }) },
  };
}

function addReasoning(wire: JsonObject, { reasoning, wireNames }: ChatRequest, { reasons, report }: { reasons: boolean; report: ParameterAdjustment[] }): void {
  if (reasoning === undefined) return;
  const parameter = wireNames['reasoning'] ?? 'reasoning';
  const off = reasoning.enabled === false || reasoning.effort === 'none';
  if (!reasons) {
    if (!off) report.push({ parameter, action: 'dropped' });
    return;
  }
  const effort = effortOf(reasoning);
  if (effort === undefined) return;
  wire['reasoning_effort'] = effort;
  if (reasoning.effort === undefined && !off) report.push({ parameter, action: 'renamed', detail: `reasoning_effort:${effort}` });
}

/** Budgets as efforts, by Google's own table read backwards (https://ai.google.dev/gemini-api/docs/openai, 2026-11). */
function effortOf({ effort, enabled, budgetTokens }: ReasoningRequest): ReasoningEffort | undefined {
  if (enabled === false) return 'none';
  if (effort !== undefined) return effort;
  if (budgetTokens === undefined) return undefined;
  if (budgetTokens === 0) return 'none';
  if (budgetTokens <= 1_024) return 'low';
  return budgetTokens <= 8_192 ? 'medium' : 'high';
}
