import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest } from '../../chat/request.js';
import { Fields, type JsonObject } from '../../json/index.js';
import { parseMessages } from './parse-messages.js';
import { parseReasoning } from './parse-reasoning.js';
import { parseSampling, readMaxTokens } from './parse-sampling.js';
import { parseResponseFormat, parseToolChoice, parseTools } from './parse-tools.js';

const MAX_FALLBACK_MODELS = 16;
const MAX_MODEL_CHARS = 256;

/** Members this parser reads; every other one is `extra`. */
const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'models',
  'messages',
  'tools',
  'functions',
  'tool_choice',
  'function_call',
  'parallel_tool_calls',
  'response_format',
  'temperature',
  'top_p',
  'top_k',
  'min_p',
  'seed',
  'stop',
  'n',
  'presence_penalty',
  'frequency_penalty',
  'repetition_penalty',
  'logit_bias',
  'logprobs',
  'top_logprobs',
  'max_tokens',
  'max_completion_tokens',
  'reasoning_effort',
  'reasoning',
  'thinking',
  'enable_thinking',
  'thinking_budget',
  'include_reasoning',
  'stream',
  'stream_options',
  'prompt_cache_key',
  'service_tier',
  'metadata',
  'user',
  'safety_identifier',
  'store',
  'verbosity',
  'modalities',
  'audio',
]);

/** Canonical name → wire name, where they differ; for reports in the client's own words. */
const WIRE_NAMES: readonly (readonly [string, string])[] = [
  ['topP', 'top_p'],
  ['topK', 'top_k'],
  ['minP', 'min_p'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['repetitionPenalty', 'repetition_penalty'],
  ['logitBias', 'logit_bias'],
  ['topLogprobs', 'top_logprobs'],
  ['toolChoice', 'tool_choice'],
  ['parallelToolCalls', 'parallel_tool_calls'],
  ['responseFormat', 'response_format'],
  ['promptCacheKey', 'prompt_cache_key'],
  ['serviceTier', 'service_tier'],
  ['safetyIdentifier', 'safety_identifier'],
  ['audioOutput', 'audio'],
];

/** `POST /v1/chat/completions` → canonical. Throws GatewayError 400 with the JSON path as `param`. */
export function parseRequest(body: unknown): ChatRequest {
  const fields = Fields.of(body, '');
  const model = fields.requiredString('model');
  if (model.length > MAX_MODEL_CHARS) throw fields.wrong('model', `a string of at most ${MAX_MODEL_CHARS} characters`);
  const adjustments: ParameterAdjustment[] = [];
  const maxTokens = readMaxTokens(fields, adjustments);
  const reasoning = parseReasoning(fields);
  const wireNames = wireNamesOf(fields.object);
  if (maxTokens !== undefined) wireNames['maxOutputTokens'] = maxTokens.wireName;
  if (reasoning !== undefined) wireNames['reasoning'] = reasoning.wireName;
  const request: ChatRequest = {
    model,
    messages: parseMessages(fields),
    tools: parseTools(fields),
    toolChoice: parseToolChoice(fields),
    responseFormat: parseResponseFormat(fields),
    sampling: parseSampling(fields),
    maxOutputTokens: maxTokens?.value,
    reasoning: reasoning?.value,
    stream: fields.boolean('stream') ?? false,
    includeUsage: fields.fields('stream_options')?.boolean('include_usage') ?? false,
    extra: extraOf(fields.object),
    wireNames,
  };
  if (adjustments.length > 0) request.adjustments = adjustments;
  return Object.assign(request, options(fields));
}

/** What is passed on rather than understood. */
function options(fields: Fields): Partial<ChatRequest> {
  const found: Partial<ChatRequest> = {
    models: fields.stringArray('models', MAX_FALLBACK_MODELS),
    parallelToolCalls: fields.boolean('parallel_tool_calls'),
    promptCacheKey: fields.string('prompt_cache_key'),
    serviceTier: fields.string('service_tier'),
    metadata: fields.rawObject('metadata'),
    user: fields.string('user'),
    safetyIdentifier: fields.string('safety_identifier'),
    store: fields.boolean('store'),
    verbosity: fields.string('verbosity'),
    modalities: fields.stringArray('modalities', 8),
    audioOutput: fields.rawObject('audio'),
  };
  for (const name in found) if (found[name as keyof ChatRequest] === undefined) delete found[name as keyof ChatRequest];
  return found;
}

function extraOf(body: JsonObject): Record<string, unknown> {
  // fromEntries defines members, so that one named __proto__ stays plain data.
  return Object.fromEntries(Object.entries(body).filter(([key]) => !KNOWN.has(key)));
}

function wireNamesOf(body: JsonObject): Record<string, string> {
  const names: Record<string, string> = {};
  for (const [canonical, wire] of WIRE_NAMES) {
    if (body[wire] !== undefined) names[canonical] = wire;
  }
  return names;
}
