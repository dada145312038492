import { invalidRequest } from '../../errors/gateway-error.js';
import type { Message, Part, Role } from '../../chat/message.js';
import { parseContent } from './parse-blocks.js';
import { asArray, asObject, at } from './read.js';
import type { JsonObject } from './types.js';

/** `system` becomes the first message; its blocks keep their cache breakpoints. */
export function parseSystem(wire: JsonObject): Message[] {
  const system = wire['system'];
  if (system === undefined || system === null) return [];
  return [{ role: 'system', parts: textOnly(parseContent(system, 'system'), 'system') }];
}

export function parseMessages(wire: JsonObject): Message[] {
  if (wire['messages'] === undefined) throw invalidRequest('messages', "'messages' is required.");
  const list = asArray(wire['messages'], 'messages');
  if (list.length === 0) throw invalidRequest('messages', "'messages' must have at least one message.");
  return list.flatMap((value, index) => parseMessage(value, at('messages', index)));
}

function parseMessage(value: unknown, path: string): Message[] {
  const message = asObject(value, path);
  const where = at(path, 'content');
  if (message['content'] === undefined) throw invalidRequest(where, `'${where}' is required.`);
  const parts = parseContent(message['content'], where);
  switch (message['role']) {
    case 'user':
      return splitUserTurn(parts);
    case 'assistant':
      return [{ role: 'assistant', parts }];
    // Instructions in mid-conversation: Claude Opus 4.8 and later (platform.claude.com, mid-conversation system messages, seen 2026-11).
    case 'system':
      return [{ role: 'system', parts: textOnly(parts, where) }];
    default:
      throw invalidRequest(at(path, 'role'), `'${at(path, 'role')}' must be 'user' or 'assistant'.`);
  }
}

function textOnly(parts: Part[], path: string): Part[] {
  const odd = parts.findIndex((part) => part.type !== 'text');
  if (odd >= 0) throw invalidRequest(at(path, odd), `'${at(path, odd)}' must be a text block.`);
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
