import type { Message } from '../../chat/message.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import type { JsonObject } from '../../json/index.js';
import type { AdjustmentReport } from '../adjustment-report.js';
import type { BlockRenderer } from './render-blocks.js';

interface Turn {
  role: 'user' | 'assistant';
  content: JsonObject[];
}

export interface RenderedConversation {
  system: JsonObject[];
  messages: Turn[];
}

const isInstruction = (message: Message | undefined): boolean => message?.role === 'system' || message?.role === 'developer';

/** Instructions at the start are `system`; later ones stay in their place, marked, in a user turn. Neighbours of one role are one turn: turns must alternate. */
export function renderConversation(messages: readonly Message[], blocks: BlockRenderer, report: AdjustmentReport): RenderedConversation {
  const conversation: RenderedConversation = { system: [], messages: [] };
  messages.forEach((message, index) => {
    const path = `messages[${index}]`;
    const content = message.parts.flatMap((part, at) => blocks.render(part, `${path}.content[${at}]`));
    if (content.length === 0) return;
    if (!isInstruction(message)) return append(conversation.messages, message.role === 'assistant' ? 'assistant' : 'user', content);
    if (conversation.messages.length === 0) {
      conversation.system.push(...content);
      return;
    }
    append(conversation.messages, 'user', content.map(marked));
    report.addNamed('messages', 'emulated', 'a later instruction as user');
  });
  const [first] = conversation.messages;
  if (first === undefined) throw invalidRequest('messages', '`messages` must have at least one message with content besides instructions.');
  // A conversation must start with the user (400 otherwise).
  if (first.role === 'assistant') {
    conversation.messages.unshift({ role: 'user', content: [{ text: '(start)' }] });
    report.addNamed('messages', 'emulated', 'a first turn of the user');
  }
  conversation.messages.forEach(trimPrefill);
  return conversation;
}

function append(turns: Turn[], role: Turn['role'], content: JsonObject[]): void {
  const last = turns.at(-1);
  if (last?.role === role) last.content.push(...content);
  else turns.push({ role, content: [...content] });
}

const marked = (block: JsonObject): JsonObject => (typeof block['text'] === 'string' ? { text: `<system>\n${block['text']}\n</system>` } : block);

/** A last turn of the assistant must not end in white space. */
function trimPrefill(turn: Turn, index: number, turns: readonly Turn[]): void {
  const last = turn.content.at(-1);
  if (index !== turns.length - 1 || turn.role !== 'assistant' || typeof last?.['text'] !== 'string') return;
  turn.content[turn.content.length - 1] = { text: last['text'].trimEnd() };
}
