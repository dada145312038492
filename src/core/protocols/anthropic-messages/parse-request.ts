import { GatewayError, invalidRequest } from '../../errors/gateway-error.js';
import type { ChatRequest, ReasoningEffort, ReasoningRequest, ResponseFormat, Sampling } from '../../chat/request.js';
import { parseMessages, parseSystem } from './parse-messages.js';
import { parseToolChoice, parseTools } from './parse-tools.js';
import { asObject, at, compact, findArray, findBoolean, findCount, findNumber, findObject, findString, getString } from './read.js';
import { isObject, type JsonObject } from './types.js';

const KNOWN = new Set([
  'model', 'messages', 'system', 'max_tokens', 'metadata', 'service_tier', 'stop_sequences', 'stream', 'temperature', 'top_p', 'top_k',
  'tools', 'tool_choice', 'thinking', 'output_config', 'output_format',
]);

/** Levels of `output_config.effort` (SDK 1.11, 2026-11). */
const EFFORTS: ReadonlySet<string> = new Set<ReasoningEffort>(['low', 'medium', 'high', 'xhigh', 'max']);

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
  if (!isObject(body)) throw new GatewayError('invalid_request', 'The body must be a JSON object.');
  const model = getString(body, 'model', '');
  if (model === '') throw invalidRequest('model', "'model' must not be empty.");
  return compact<ChatRequest>({
    model,
    messages: [...parseSystem(body), ...parseMessages(body)],
    tools: parseTools(body),
    ...parseToolChoice(body),
    responseFormat: parseFormat(body),
    sampling: parseSampling(body),
    maxOutputTokens: parseMaxTokens(body),
    reasoning: parseReasoning(body),
    stream: findBoolean(body, 'stream', '') ?? false,
    includeUsage: true,
    serviceTier: findString(body, 'service_tier', ''),
    ...parseMetadata(body),
    extra: parseExtra(body),
    wireNames: wireNamesOf(body),
  });
}

/** Zero is allowed: it fills the prompt cache without an answer (SDK 1.11 documentation of `max_tokens`, 2026-11). */
function parseMaxTokens(body: JsonObject): number {
  const value = findCount(body, 'max_tokens', '', 0);
  if (value === undefined) throw invalidRequest('max_tokens', "'max_tokens' is required.");
  return value;
}

function parseSampling(body: JsonObject): Sampling {
  const stop = findArray(body, 'stop_sequences', '');
  stop?.forEach((sequence, index) => {
    if (typeof sequence !== 'string') throw invalidRequest(at('stop_sequences', index), `'${at('stop_sequences', index)}' must be a string.`);
  });
  return compact<Sampling>({
    temperature: findNumber(body, 'temperature', ''),
    topP: findNumber(body, 'top_p', ''),
    topK: findCount(body, 'top_k', '', 0),
    stop: stop as string[] | undefined,
  });
}

function parseReasoning(body: JsonObject): ReasoningRequest | undefined {
  const reasoning: ReasoningRequest = {};
  const thinking = findObject(body, 'thinking', '');
  if (thinking !== undefined) Object.assign(reasoning, parseThinking(thinking));
  const effort = findString(findObject(body, 'output_config', '') ?? {}, 'effort', 'output_config');
  if (effort !== undefined) {
    if (!EFFORTS.has(effort)) throw invalidRequest('output_config.effort', `'output_config.effort' must be one of ${[...EFFORTS].join(', ')}.`);
    reasoning.effort = effort as ReasoningEffort;
  }
  return Object.keys(reasoning).length === 0 ? undefined : reasoning;
}

function parseThinking(thinking: JsonObject): ReasoningRequest {
  const type = getString(thinking, 'type', 'thinking');
  if (type === 'disabled') return { enabled: false };
  const summary = findString(thinking, 'display', 'thinking');
  if (type !== 'enabled') return compact<ReasoningRequest>({ enabled: true, summary });
  const budgetTokens = findCount(thinking, 'budget_tokens', 'thinking', 1);
  if (budgetTokens === undefined) throw invalidRequest('thinking.budget_tokens', "'thinking.budget_tokens' is required when thinking is enabled.");
  return compact<ReasoningRequest>({ enabled: true, budgetTokens, summary });
}

/** `output_config.format`, or `output_format` as the beta of 2025-11-13 had it. */
function parseFormat(body: JsonObject): ResponseFormat | undefined {
  const config = findObject(body, 'output_config', '');
  const path = isObject(config?.['format']) ? 'output_config.format' : 'output_format';
  const format = path === 'output_format' ? findObject(body, 'output_format', '') : asObject(config?.['format'], path);
  if (format === undefined) return undefined;
  if (format['type'] !== 'json_schema') throw invalidRequest(at(path, 'type'), `'${at(path, 'type')}' must be 'json_schema'.`);
  return { type: 'json-schema', name: 'response', schema: asObject(format['schema'], at(path, 'schema')), strict: true };
}

function parseMetadata(body: JsonObject): Pick<ChatRequest, 'user' | 'metadata'> {
  const metadata = findObject(body, 'metadata', '');
  if (metadata === undefined) return {};
  const { user_id: _user, ...rest } = metadata;
  return { user: findString(metadata, 'user_id', 'metadata'), metadata: Object.keys(rest).length === 0 ? undefined : rest };
}

/** What we do not read: unknown top-level members, and unknown members of `output_config`. */
function parseExtra(body: JsonObject): JsonObject {
  const extra = Object.fromEntries(Object.entries(body).filter(([key]) => !KNOWN.has(key)));
  const config = findObject(body, 'output_config', '');
  const { effort: _effort, format: _format, ...rest } = config ?? {};
  return Object.keys(rest).length === 0 ? extra : { ...extra, output_config: rest };
}

function wireNamesOf(body: JsonObject): Record<string, string> {
  return {
    ...WIRE_NAMES,
    responseFormat: body['output_format'] === undefined ? 'output_config.format' : 'output_format',
    reasoning: body['thinking'] === undefined ? 'output_config.effort' : 'thinking',
  };
}
