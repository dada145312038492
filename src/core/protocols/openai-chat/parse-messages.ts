import type { Message, Part, Role, ToolCallPart } from '../../chat/message.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, isObject } from '../../json/index.js';
import { parseContent } from './parse-content.js';
import { reasoningOfHistory } from './reasoning-history.js';

const MAX_MESSAGES = 20_000;
const MAX_TOOL_CALLS = 1_024;
const ROLES = ['system', 'developer', 'user', 'assistant', 'tool', 'function'] as const;

/** Ids for the calls of the old `function_call` form, which has none: by name, the latest first. */
type LegacyIds = Map<string, string>;

export function parseMessages(fields: Fields): Message[] {
  const messages = fields.array('messages', MAX_MESSAGES);
  if (messages === undefined) throw invalidRequest('messages', '`messages` is missing; it must be a non-empty array of messages.');
  if (messages.length === 0) throw invalidRequest('messages', '`messages` is empty; send at least one message.');
  const legacy: LegacyIds = new Map();
  const parsed: Message[] = [];
  for (let at = 0; at < messages.length; at += 1) parsed.push(plainMessage(messages[at]) ?? parseMessage(Fields.of(messages[at], `messages[${at}]`), at, legacy));
  return parsed;
}

/** The message that nearly every message is: a role and one text, nothing besides. Null for every other one; for this one `parseMessage` would come to the same. */
function plainMessage(message: unknown): Message | null {
  if (!isObject(message)) return null;
  for (const name in message) if (name !== 'role' && name !== 'content') return null;
  const { role, content } = message;
  if (typeof content !== 'string') return null;
  return role === 'user' || role === 'system' || role === 'assistant' || role === 'developer' ? { role, parts: [{ type: 'text', text: content }] } : null;
}

function parseMessage(fields: Fields, at: number, legacy: LegacyIds): Message {
  fields.requiredString('role');
  const role = fields.oneOf('role', ROLES) as (typeof ROLES)[number];
  const message = role === 'assistant' ? assistant(fields, at, legacy) : other(fields, role, legacy);
  const name = role === 'function' ? undefined : fields.string('name');
  if (name !== undefined) message.name = name;
  return message;
}

function other(fields: Fields, role: Exclude<(typeof ROLES)[number], 'assistant'>, legacy: LegacyIds): Message {
  if (role === 'tool') return toolResult(fields, fields.requiredString('tool_call_id'));
  if (role === 'function') {
    const name = fields.requiredString('name');
    return toolResult(fields, legacy.get(name) ?? `call_${name}`, name);
  }
  if (!fields.has('content')) throw invalidRequest(fields.at('content'), `\`${fields.at('content')}\` is missing; it must be a string or an array of parts.`);
  return { role: role satisfies Role, parts: parseContent(fields) };
}

function toolResult(fields: Fields, toolCallId: string, name?: string): Message {
  const content = parseContent(fields);
  return { role: 'tool', parts: [{ type: 'tool-result', toolCallId, content, ...(name === undefined ? {} : { name }) }] };
}

function assistant(fields: Fields, at: number, legacy: LegacyIds): Message {
  const content = parseContent(fields);
  const calls = toolCalls(fields);
  const old = legacyCall(fields, at, legacy);
  if (old !== null) calls.push(old);
  // An empty text beside tool calls says nothing, and other protocols refuse empty texts.
  const spoken = calls.length > 0 ? content.filter((part) => part.type !== 'text' || part.text !== '') : content;
  const thought = content.some((part) => part.type === 'reasoning') ? [] : reasoningOfHistory(fields);
  const message: Message = { role: 'assistant', parts: [...thought, ...spoken, ...spokenAside(fields), ...calls] };
  const prefix = fields.boolean('prefix');
  if (prefix !== undefined) message.prefix = prefix;
  return message;
}

function spokenAside(fields: Fields): Part[] {
  const parts: Part[] = [];
  const refusal = fields.string('refusal');
  if (refusal !== undefined && refusal !== '') parts.push({ type: 'refusal', text: refusal });
  const audio = fields.fields('audio');
  if (audio !== undefined) {
    const id = audio.requiredString('id');
    parts.push({ type: 'audio', source: { kind: 'provider-file', id }, id });
  }
  return parts;
}

function toolCalls(fields: Fields): ToolCallPart[] {
  const calls = fields.array('tool_calls', MAX_TOOL_CALLS) ?? [];
  return calls.map((call, at) => toolCall(Fields.of(call, `${fields.at('tool_calls')}[${at}]`)));
}

function toolCall(fields: Fields): ToolCallPart {
  const id = fields.requiredString('id');
  const custom = fields.object['type'] === 'custom';
  const inner = fields.requiredFields(custom ? 'custom' : 'function');
  const name = inner.requiredString('name');
  const part: ToolCallPart = { type: 'tool-call', id, name, arguments: inner.string(custom ? 'input' : 'arguments') ?? '' };
  if (custom) part.kind = 'custom';
  const signature = thoughtSignature(fields.object['extra_content']);
  if (signature !== undefined) part.signature = signature;
  return part;
}

/** Google's own OpenAI-compatible API carries thought signatures here (https://ai.google.dev/gemini-api/docs/thought-signatures, 2026-11). */
export function thoughtSignature(extraContent: unknown): string | undefined {
  if (!isObject(extraContent) || !isObject(extraContent['google'])) return undefined;
  const signature = extraContent['google']['thought_signature'];
  return typeof signature === 'string' ? signature : undefined;
}

function legacyCall(fields: Fields, at: number, legacy: LegacyIds): ToolCallPart | null {
  const call = fields.fields('function_call');
  if (call === undefined) return null;
  const name = call.requiredString('name');
  const id = `call_${name}_${at}`;
  legacy.set(name, id);
  return { type: 'tool-call', id, name, arguments: call.string('arguments') ?? '' };
}
