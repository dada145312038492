import type { ChatRequest, ReasoningEffort, ReasoningRequest, Sampling } from '../../chat/request.js';
import { GatewayError } from '../../errors/gateway-error.js';
import { Fields } from '../../json/index.js';
import { parseInput } from './parse-input.js';
import { parseFormat, parseToolChoice, parseTools } from './parse-tools.js';

const MAX_FALLBACK_MODELS = 16;
const MAX_MODEL_CHARS = 256;
const MAX_TOKENS = 2 ** 31 - 1;
const EFFORTS: readonly ReasoningEffort[] = ['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'];
const LOGPROBS = 'message.output_text.logprobs';

/** Members this parser reads, and some whose loss changes nothing in an answer. Every other one is `extra`. */
const KNOWN: ReadonlySet<string> = new Set([
  'model',
  'models',
  'input',
  'instructions',
  'tools',
  'tool_choice',
  'parallel_tool_calls',
  'text',
  'reasoning',
  'max_output_tokens',
  'temperature',
  'top_p',
  'top_logprobs',
  'presence_penalty',
  'frequency_penalty',
  'stream',
  'stream_options',
  'store',
  'previous_response_id',
  'prompt_cache_key',
  'metadata',
  'service_tier',
  'user',
  'safety_identifier',
  'include',
  'background',
  'conversation',
  // Codex's telemetry.
  'client_metadata',
]);

const WIRE_NAMES: readonly (readonly [string, string])[] = [
  ['topP', 'top_p'],
  ['topLogprobs', 'top_logprobs'],
  ['logprobs', 'top_logprobs'],
  ['presencePenalty', 'presence_penalty'],
  ['frequencyPenalty', 'frequency_penalty'],
  ['toolChoice', 'tool_choice'],
  ['parallelToolCalls', 'parallel_tool_calls'],
  ['maxOutputTokens', 'max_output_tokens'],
  ['promptCacheKey', 'prompt_cache_key'],
  ['serviceTier', 'service_tier'],
  ['safetyIdentifier', 'safety_identifier'],
];

/** Members of `text`. */
const TEXT_NAMES: readonly (readonly [string, string])[] = [
  ['responseFormat', 'format'],
  ['verbosity', 'verbosity'],
];

/** `POST /v1/responses` → canonical. Throws GatewayError 400 with the JSON path as `param`. */
export function parseRequest(body: unknown): ChatRequest {
  const fields = Fields.of(body, '');
  const model = fields.requiredString('model');
  if (model.length > MAX_MODEL_CHARS) throw fields.wrong('model', `a string of at most ${MAX_MODEL_CHARS} characters`);
  refuseImpossible(fields);
  const include = fields.stringArray('include', 64) ?? [];
  const { choice, extra: foreignChoice } = parseToolChoice(fields);
  const output = fields.fields('text');
  const request: ChatRequest = {
    model,
    messages: parseInput(fields),
    tools: parseTools(fields),
    toolChoice: choice,
    responseFormat: parseFormat(output),
    sampling: parseSampling(fields, include),
    maxOutputTokens: fields.integer('max_output_tokens', { min: 1, max: MAX_TOKENS }),
    reasoning: parseReasoning(fields.fields('reasoning')),
    stream: fields.boolean('stream') ?? false,
    includeUsage: true,
    extra: extraOf(fields, include),
    wireNames: Object.fromEntries([
      ...WIRE_NAMES.filter(([, wire]) => fields.has(wire)),
      ...(output === undefined ? [] : TEXT_NAMES.filter(([, wire]) => output.has(wire)).map(([name, wire]) => [name, `text.${wire}`])),
    ]),
  };
  if (foreignChoice !== undefined) request.extra['tool_choice'] = foreignChoice;
  return Object.assign(request, options(fields, output));
}

/** What would need state that the gateway does not keep; ignoring it would answer another question than was asked. */
function refuseImpossible(fields: Fields): void {
  if (fields.boolean('background') === true) {
    throw new GatewayError('unsupported_parameter', '`background: true` is not supported; send the request with `stream: true` instead.', {
      param: 'background',
    });
  }
  if (!fields.has('conversation')) return;
  throw new GatewayError('unsupported_parameter', '`conversation` is not supported; use `previous_response_id`, or send the whole history.', {
    param: 'conversation',
  });
}

function parseSampling(fields: Fields, include: readonly string[]): Sampling {
  const sampling: Sampling = {
    temperature: fields.number('temperature', { min: 0, max: 2 }),
    topP: fields.number('top_p', { min: 0, max: 1 }),
    presencePenalty: fields.number('presence_penalty', { min: -2, max: 2 }),
    frequencyPenalty: fields.number('frequency_penalty', { min: -2, max: 2 }),
    topLogprobs: fields.integer('top_logprobs', { min: 0, max: 20 }),
  };
  if (include.includes(LOGPROBS) || (sampling.topLogprobs ?? 0) > 0) sampling.logprobs = true;
  return Object.fromEntries(Object.entries(sampling).filter(([, value]) => value !== undefined));
}

function parseReasoning(fields: Fields | undefined): ReasoningRequest | undefined {
  if (fields === undefined) return undefined;
  const reasoning: ReasoningRequest = {};
  const effort = fields.oneOf('effort', EFFORTS);
  if (effort !== undefined) reasoning.effort = effort;
  const summary = fields.string('summary') ?? fields.string('generate_summary');
  if (summary !== undefined) reasoning.summary = summary;
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function options(fields: Fields, output: Fields | undefined): Partial<ChatRequest> {
  const found: Partial<ChatRequest> = {
    models: fields.stringArray('models', MAX_FALLBACK_MODELS),
    parallelToolCalls: fields.boolean('parallel_tool_calls'),
    promptCacheKey: fields.string('prompt_cache_key'),
    serviceTier: fields.string('service_tier'),
    metadata: fields.rawObject('metadata'),
    user: fields.string('user'),
    safetyIdentifier: fields.string('safety_identifier'),
    store: fields.boolean('store'),
    verbosity: output?.string('verbosity'),
  };
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== undefined));
}

function extraOf(fields: Fields, include: readonly string[]): Record<string, unknown> {
  // fromEntries defines members, so that one named __proto__ stays plain data.
  const extra = Object.fromEntries(Object.entries(fields.object).filter(([key, value]) => !KNOWN.has(key) && value !== null && !isDefault(key, value)));
  // Proof of thoughts is always returned, and logprobs are a parameter of their own.
  const unmet = include.filter((word) => word !== 'reasoning.encrypted_content' && word !== LOGPROBS);
  if (unmet.length > 0) extra['include'] = unmet;
  return extra;
}

/** Nothing is lost where a default is left out: no gateway cuts a prompt by itself. */
function isDefault(key: string, value: unknown): boolean {
  return key === 'truncation' && value === 'disabled';
}
