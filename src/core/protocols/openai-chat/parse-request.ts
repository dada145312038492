import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest } from '../../chat/request.js';
import { Fields, type JsonObject } from '../../json/index.js';
import { parseMessages } from './parse-messages.js';
import { parseReasoning } from './parse-reasoning.js';
import { parseSampling, readMaxTokens } from './parse-sampling.js';
import { parseResponseFormat, parseToolChoice, parseTools } from './parse-tools.js';

const MAX_FALLBACK_MODELS = 16;
const MAX_MODEL_CHARS = 256;

/** What members are about. A body that has none of a kind is not asked for each of its names: most bodies have four members, and forty are known. */
const ALWAYS = 0;
const TOOLS = 1;
const SAMPLING = 2;
const LIMIT = 4;
const REASONING = 8;
const STREAM_OPTIONS = 16;
const PASSED_ON = 32;
const UNKNOWN = 64;

interface Member {
  kind: number;
  /** Its canonical name where that is another; for reports in the client's own words. */
  canonical?: string;
}

/** Members this parser reads; every other one is `extra`. */
const MEMBERS: ReadonlyMap<string, Member> = new Map<string, Member>([
  ['model', { kind: ALWAYS }],
  ['messages', { kind: ALWAYS }],
  ['stream', { kind: ALWAYS }],
  ['stream_options', { kind: STREAM_OPTIONS }],
  ['tools', { kind: TOOLS }],
  ['functions', { kind: TOOLS }],
  ['tool_choice', { kind: TOOLS, canonical: 'toolChoice' }],
  ['function_call', { kind: TOOLS }],
  ['response_format', { kind: TOOLS, canonical: 'responseFormat' }],
  ['temperature', { kind: SAMPLING }],
  ['top_p', { kind: SAMPLING, canonical: 'topP' }],
  ['top_k', { kind: SAMPLING, canonical: 'topK' }],
  ['min_p', { kind: SAMPLING, canonical: 'minP' }],
  ['seed', { kind: SAMPLING }],
  ['stop', { kind: SAMPLING }],
  ['n', { kind: SAMPLING }],
  ['presence_penalty', { kind: SAMPLING, canonical: 'presencePenalty' }],
  ['frequency_penalty', { kind: SAMPLING, canonical: 'frequencyPenalty' }],
  ['repetition_penalty', { kind: SAMPLING, canonical: 'repetitionPenalty' }],
  ['logit_bias', { kind: SAMPLING, canonical: 'logitBias' }],
  ['logprobs', { kind: SAMPLING }],
  ['top_logprobs', { kind: SAMPLING, canonical: 'topLogprobs' }],
  ['max_tokens', { kind: LIMIT }],
  ['max_completion_tokens', { kind: LIMIT }],
  ['reasoning_effort', { kind: REASONING }],
  ['reasoning', { kind: REASONING }],
  ['thinking', { kind: REASONING }],
  ['enable_thinking', { kind: REASONING }],
  ['thinking_budget', { kind: REASONING }],
  ['include_reasoning', { kind: REASONING }],
  ['models', { kind: PASSED_ON }],
  ['parallel_tool_calls', { kind: PASSED_ON, canonical: 'parallelToolCalls' }],
  ['prompt_cache_key', { kind: PASSED_ON, canonical: 'promptCacheKey' }],
  ['service_tier', { kind: PASSED_ON, canonical: 'serviceTier' }],
  ['metadata', { kind: PASSED_ON }],
  ['user', { kind: PASSED_ON }],
  ['safety_identifier', { kind: PASSED_ON, canonical: 'safetyIdentifier' }],
  ['store', { kind: PASSED_ON }],
  ['verbosity', { kind: PASSED_ON }],
  ['modalities', { kind: PASSED_ON }],
  ['audio', { kind: PASSED_ON, canonical: 'audioOutput' }],
]);

/** `POST /v1/chat/completions` → canonical. Throws GatewayError 400 with the JSON path as `param`. */
export function parseRequest(body: unknown): ChatRequest {
  const fields = Fields.of(body, '');
  const model = fields.requiredString('model');
  if (model.length > MAX_MODEL_CHARS) throw fields.wrong('model', `a string of at most ${MAX_MODEL_CHARS} characters`);
  const wireNames: Record<string, string> = {};
  const kinds = look(fields.object, wireNames);
  const { maxOutputTokens, reasoning, adjustments } = readAmounts(fields, kinds, wireNames);
  const messages = parseMessages(fields);
  const { tools, toolChoice, responseFormat } = readTools(fields, kinds);
  const sampling = (kinds & SAMPLING) === 0 ? {} : parseSampling(fields);
  const stream = fields.boolean('stream') ?? false;
  const includeUsage = (kinds & STREAM_OPTIONS) === 0 ? false : (fields.fields('stream_options')?.boolean('include_usage') ?? false);
  const passedOn = (kinds & PASSED_ON) === 0 ? NOTHING : readPassedOn(fields);
  // All members in one literal, absent or not: every request has the same shape in memory.
  return {
    model,
    models: passedOn.models,
    messages,
    tools,
    toolChoice,
    parallelToolCalls: passedOn.parallelToolCalls,
    responseFormat,
    sampling,
    maxOutputTokens,
    reasoning,
    stream,
    includeUsage,
    promptCacheKey: passedOn.promptCacheKey,
    serviceTier: passedOn.serviceTier,
    metadata: passedOn.metadata,
    user: passedOn.user,
    safetyIdentifier: passedOn.safetyIdentifier,
    store: passedOn.store,
    verbosity: passedOn.verbosity,
    modalities: passedOn.modalities,
    audioOutput: passedOn.audioOutput,
    extra: (kinds & UNKNOWN) === 0 ? {} : extraOf(fields.object),
    wireNames,
    adjustments,
  };
}

/** Which kinds of members the body has; notes what the client calls them. */
function look(body: JsonObject, wireNames: Record<string, string>): number {
  let kinds = ALWAYS;
  for (const name in body) {
    const member = MEMBERS.get(name);
    kinds |= member === undefined ? UNKNOWN : member.kind;
    if (member?.canonical !== undefined && body[name] !== undefined) wireNames[member.canonical] = name;
  }
  return kinds;
}

type Amounts = Pick<ChatRequest, 'maxOutputTokens' | 'reasoning' | 'adjustments'>;
const NO_AMOUNTS: Amounts = { maxOutputTokens: undefined, reasoning: undefined, adjustments: undefined };

/** How long, and how much thought. */
function readAmounts(fields: Fields, kinds: number, wireNames: Record<string, string>): Amounts {
  if ((kinds & (LIMIT | REASONING)) === 0) return NO_AMOUNTS;
  const adjustments: ParameterAdjustment[] = [];
  const maxTokens = readMaxTokens(fields, adjustments);
  if (maxTokens !== undefined) wireNames['maxOutputTokens'] = maxTokens.wireName;
  const reasoning = (kinds & REASONING) === 0 ? undefined : parseReasoning(fields);
  if (reasoning !== undefined) wireNames['reasoning'] = reasoning.wireName;
  return { maxOutputTokens: maxTokens?.value, reasoning: reasoning?.value, adjustments: adjustments.length === 0 ? undefined : adjustments };
}

function readTools(fields: Fields, kinds: number): Pick<ChatRequest, 'tools' | 'toolChoice' | 'responseFormat'> {
  if ((kinds & TOOLS) === 0) return { tools: [], toolChoice: undefined, responseFormat: undefined };
  return { tools: parseTools(fields), toolChoice: parseToolChoice(fields), responseFormat: parseResponseFormat(fields) };
}

type PassedOn = Pick<
  ChatRequest,
  | 'models'
  | 'parallelToolCalls'
  | 'promptCacheKey'
  | 'serviceTier'
  | 'metadata'
  | 'user'
  | 'safetyIdentifier'
  | 'store'
  | 'verbosity'
  | 'modalities'
  | 'audioOutput'
>;
const NOTHING: PassedOn = {};

/** What is passed on rather than understood. */
function readPassedOn(fields: Fields): PassedOn {
  return {
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
}

function extraOf(body: JsonObject): Record<string, unknown> {
  // fromEntries defines members, so that one named __proto__ stays plain data.
  return Object.fromEntries(Object.entries(body).filter(([key]) => !MEMBERS.has(key)));
}
