import type { ChatResponse, FinishReason } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ResponseDialect } from '../dialect.js';
import { finishReason } from './finish-reason.js';
import { parseUsage } from './usage.js';

const MEMBERS: ReadonlySet<string> = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', 'service_tier', 'system_fingerprint']);
const SAYING: ReadonlySet<string> = new Set(['role', 'content']);
/** Members of a message that may stand there empty. */
const SILENT: ReadonlySet<string> = new Set(['refusal', 'annotations', 'tool_calls', 'function_call', 'audio']);

/** What stands in a plain answer's one choice. */
interface PlainChoice {
  text: string;
  finish: FinishReason;
  rawFinish: string;
}

/**
 * The answer most requests get, without the way over events: one choice of text that ended for a known reason, with usage that
 * can be believed, and no member that would have to be looked at. Null for every other answer: `parseResponse` reads those,
 * and for plain ones it reads the same (property test).
 */
export function parsePlainResponse(body: JsonObject, dialect: ResponseDialect): ChatResponse | null {
  if (dialect.usageAt?.includes('usage') === false || !hasPlainMembers(body)) return null;
  const { choices, usage: rawUsage } = body;
  const choice = Array.isArray(choices) && choices.length === 1 ? plainChoice(choices[0], dialect) : null;
  if (choice === null || !isObject(rawUsage)) return null;
  const { usage } = parseUsage(rawUsage, dialect);
  return usage === undefined ? null : withNames(body, choice, { usage, rawUsage });
}

function hasPlainMembers(body: JsonObject): boolean {
  for (const name in body) if (!MEMBERS.has(name) && (name !== 'error' || isSaid(body[name]))) return false;
  return body['object'] !== 'error';
}

function withNames(body: JsonObject, { text, finish, rawFinish }: PlainChoice, counted: Pick<ChatResponse, 'usage' | 'rawUsage'>): ChatResponse {
  const response: ChatResponse = { choices: [{ index: 0, parts: [{ type: 'text', text }], finish, rawFinish }], drift: [], extra: {}, ...counted };
  const id = textAt(body, 'id');
  const model = textAt(body, 'model');
  const tier = textAt(body, 'service_tier');
  const fingerprint = textAt(body, 'system_fingerprint');
  if (id !== undefined) response.upstreamId = id;
  if (model !== undefined) response.upstreamModel = model;
  if (typeof body['created'] === 'number') response.createdS = body['created'];
  if (tier !== undefined) response.serviceTier = tier;
  if (fingerprint !== undefined) response.systemFingerprint = fingerprint;
  return response;
}

function plainChoice(raw: unknown, dialect: ResponseDialect): PlainChoice | null {
  if (!isObject(raw) || raw['index'] !== 0 || isSaid(raw['error']) || isSaid(raw['logprobs'])) return null;
  const text = plainText(raw['message'], dialect);
  const { finish_reason: rawFinish } = raw;
  if (text === null || typeof rawFinish !== 'string') return null;
  const { reason, known } = finishReason(rawFinish, dialect);
  return known && reason !== 'error' ? { text, finish: reason, rawFinish } : null;
}

/** The content of a message that has nothing else, and no thinking hidden in it. */
function plainText(message: unknown, { reasoningAt }: ResponseDialect): string | null {
  if (!isObject(message) || saysMore(message)) return null;
  const { content } = message;
  if (typeof content !== 'string' || content === '') return null;
  return reasoningAt?.includes('think_tags') === true && content.includes('<') ? null : content;
}

function saysMore(message: JsonObject): boolean {
  for (const name in message) if (!SAYING.has(name) && (!SILENT.has(name) || isSaid(message[name]))) return true;
  return false;
}

/** Null and an empty list say nothing. */
function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && !(Array.isArray(value) && value.length === 0);
}

function textAt(body: JsonObject, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}
