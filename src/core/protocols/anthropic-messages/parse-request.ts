import { invalidRequest } from '../../errors/gateway-error.js';
import type { ChatRequest, ReasoningRequest, ResponseFormat, Sampling } from '../../chat/request.js';
import { Fields, type JsonObject } from '../../json/index.js';
import { parseMessages, parseSystem } from './parse-messages.js';
import { parseToolChoice, parseTools } from './parse-tools.js';
import { compact } from './read.js';

const MAX_MODEL_CHARS = 256;
/** Bounds keep nonsense out of estimates and prices; whether a value suits the model is the provider's to say. */
const MAX_TOKENS = 2 ** 31 - 1;
const MAX_STOP_SEQUENCES = 8_192;
const ANY_NUMBER = { min: -1_000_000, max: 1_000_000 };

const KNOWN = new Set([
  'model',
  'messages',
  'system',
  'max_tokens',
  'metadata',
  'service_tier',
  'stop_sequences',
  'stream',
  'temperature',
  'top_p',
  'top_k',
  'tools',
  'tool_choice',
  'thinking',
  'output_config',
  'output_format',
]);

/** Levels of `output_config.effort` (SDK 1.11, 2026-11). */
const EFFORTS = ['low', 'medium', 'high', 'xhigh', 'max'] as const;

const WIRE_NAMES: Readonly<Record<string, string>> = {
  maxOutputTokens: 'max_tokens',
  stop: 'stop_sequences',
  topP: 'top_p',
  topK: 'top_k',
  temperature: 'temperature',
  tools: 'tools',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
  serviceTier: 'service_tier',
  user: 'metadata.user_id',
  metadata: 'metadata',
};

/** Anthropic Messages wire → canonical. `body` is parsed JSON; faults are 400 and name the JSON path. */
export function parseRequest(body: unknown): ChatRequest {
  const fields = Fields.of(body, '');
  const model = fields.requiredString('model');
  if (model.length > MAX_MODEL_CHARS) throw fields.wrong('model', `a string of at most ${MAX_MODEL_CHARS} characters`);
  return compact<ChatRequest>({
    model,
    messages: [...parseSystem(fields), ...parseMessages(fields)],
    tools: parseTools(fields),
    ...parseToolChoice(fields),
    responseFormat: parseFormat(fields),
    sampling: parseSampling(fields),
    maxOutputTokens: parseMaxTokens(fields),
    reasoning: parseReasoning(fields),
    stream: fields.boolean('stream') ?? false,
    includeUsage: true,
    serviceTier: fields.string('service_tier'),
    ...parseMetadata(fields),
    extra: parseExtra(fields),
    wireNames: wireNamesOf(fields),
  });
}

/** Zero is allowed: it fills the prompt cache without an answer (SDK 1.11 documentation of `max_tokens`, 2026-11). */
function parseMaxTokens(fields: Fields): number {
  const value = fields.integer('max_tokens', { min: 0, max: MAX_TOKENS });
  if (value === undefined) throw invalidRequest('max_tokens', '`max_tokens` is missing; it must be an integer.');
  return value;
}

function parseSampling(fields: Fields): Sampling {
  return compact<Sampling>({
    temperature: fields.number('temperature', ANY_NUMBER),
    topP: fields.number('top_p', ANY_NUMBER),
    topK: fields.integer('top_k', ANY_NUMBER),
    stop: fields.stringArray('stop_sequences', MAX_STOP_SEQUENCES),
  });
}

function parseReasoning(fields: Fields): ReasoningRequest | undefined {
  const thinking = fields.fields('thinking');
  const effort = fields.fields('output_config')?.oneOf('effort', EFFORTS);
  if (thinking === undefined && effort === undefined) return undefined;
  return compact<ReasoningRequest>({ ...(thinking === undefined ? {} : parseThinking(thinking)), effort });
}

function parseThinking(thinking: Fields): ReasoningRequest {
  const type = thinking.requiredString('type');
  // `between_tools` is what Sonnet 5.5 has in place of `disabled` (what's new in Claude Sonnet 5.5, 2026-11).
  if (type === 'disabled' || type === 'between_tools') return { enabled: false };
  const summary = thinking.string('display');
  if (type !== 'enabled') return compact<ReasoningRequest>({ enabled: true, summary });
  const budgetTokens = thinking.integer('budget_tokens', { min: 1, max: MAX_TOKENS });
  if (budgetTokens === undefined)
    throw invalidRequest(thinking.at('budget_tokens'), '`thinking.budget_tokens` is missing; it must be an integer when thinking is enabled.');
  return compact<ReasoningRequest>({ enabled: true, budgetTokens, summary });
}

/** `output_config.format`, or `output_format` as the beta of 2025-11-13 had it. */
function parseFormat(fields: Fields): ResponseFormat | undefined {
  const format = fields.fields('output_config')?.fields('format') ?? fields.fields('output_format');
  if (format === undefined) return undefined;
  if (format.object['type'] !== 'json_schema') throw format.wrong('type', '"json_schema"');
  return { type: 'json-schema', name: 'response', schema: format.requiredFields('schema').object, strict: true };
}

function parseMetadata(fields: Fields): Pick<ChatRequest, 'user' | 'metadata'> {
  const metadata = fields.fields('metadata');
  if (metadata === undefined) return {};
  const { user_id: _user, ...rest } = metadata.object;
  return { user: metadata.string('user_id'), metadata: Object.keys(rest).length === 0 ? undefined : rest };
}

/** What we do not read: unknown top-level members, and unknown members of `output_config`. */
function parseExtra(fields: Fields): JsonObject {
  const extra = Object.fromEntries(Object.entries(fields.object).filter(([key]) => !KNOWN.has(key)));
  const { effort: _effort, format: _format, ...rest } = fields.rawObject('output_config') ?? {};
  return Object.keys(rest).length === 0 ? extra : { ...extra, output_config: rest };
}

function wireNamesOf(fields: Fields): Record<string, string> {
  return {
    ...WIRE_NAMES,
    responseFormat: fields.has('output_format') ? 'output_format' : 'output_config.format',
    reasoning: fields.has('thinking') ? 'thinking' : 'output_config.effort',
  };
}
