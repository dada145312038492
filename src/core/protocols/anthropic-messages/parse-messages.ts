import { invalidRequest } from '../../errors/gateway-error.js';
import type { Message, Part, Role } from '../../chat/message.js';
import { Fields } from '../../json/index.js';
import { parseContent } from './parse-blocks.js';

/** Far above what a context window holds; Anthropic itself takes 100,000 (API reference of `messages`, 2026-11). */
const MAX_MESSAGES = 20_000;

/** `system` becomes the first message; its blocks keep their cache breakpoints. */
export function parseSystem(fields: Fields): Message[] {
  return fields.has('system') ? [{ role: 'system', parts: textOnly(parseContent(fields, 'system'), 'system') }] : [];
}

export function parseMessages(fields: Fields): Message[] {
  const list = fields.array('messages', MAX_MESSAGES);
  if (list === undefined) throw invalidRequest('messages', '`messages` is missing; it must be an array of messages.');
  if (list.length === 0) throw invalidRequest('messages', '`messages` must have at least one message.');
  return list.flatMap((value, index) => parseMessage(Fields.of(value, `messages[${index}]`)));
}

function parseMessage(message: Fields): Message[] {
  const parts = parseContent(message, 'content');
  switch (message.object['role']) {
    case 'user':
      return splitUserTurn(parts);
    case 'assistant':
      return [{ role: 'assistant', parts }];
    // Instructions in mid-conversation: Claude Opus 4.8 and later (platform.claude.com, mid-conversation system messages, seen 2026-11).
    case 'system':
      return [{ role: 'system', parts: textOnly(parts, message.at('content')) }];
    default:
      throw message.wrong('role', '"user" or "assistant"');
  }
}

function textOnly(parts: Part[], path: string): Part[] {
  const odd = parts.findIndex((part) => part.type !== 'text');
  if (odd >= 0) throw invalidRequest(`${path}[${odd}]`, `\`${path}[${odd}]\` must be a text block.`);
  return parts;
}

/** Anthropic's user turn holds tool results beside the user's own words; canonically each tool result is a message of its own. */
function splitUserTurn(parts: Part[]): Message[] {
  const messages: Message[] = [];
  for (const part of parts) {
    const role: Role = part.type === 'tool-result' ? 'tool' : 'user';
    const last = messages.at(-1);
    if (role === 'user' && last?.role === 'user') last.parts.push(part);
    else messages.push({ role, parts: [part] });
  }
  return messages.length === 0 ? [{ role: 'user', parts: [] }] : messages;
}
