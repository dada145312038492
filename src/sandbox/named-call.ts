import type { Message } from '../core/chat/message.js';
import type { ChatRequest, FunctionTool } from '../core/chat/request.js';
import { isObject } from '../core/json/index.js';

/** A line of a user message: `call NAME {"argument": …}`. */
const LINE = /^call ([\w.:-]{1,128}) (\{.*\})[ \t\r]*$/m;

export interface NamedCall {
  tool: FunctionTool;
  argumentsText: string;
  /** What the client said its tool answered; null before it did. */
  result: Message | null;
}

/**
 * The call that the newest user message with such a line asks for. Null when there is none, or its tool is not offered, or its
 * arguments are no JSON. Agents add messages of their own around the user's, so it need not be the last message.
 */
export function findNamedCall({ messages, tools, toolChoice }: ChatRequest): NamedCall | null {
  if (toolChoice?.type === 'none') return null;
  const at = messages.findLastIndex((message) => message.role === 'user' && LINE.test(textOf(message)));
  const [, name = '', argumentsText = ''] = LINE.exec(at === -1 ? '' : textOf(messages[at] as Message)) ?? [];
  const tool = tools.find((one): one is FunctionTool => one.type === 'function' && one.name === name);
  if (tool === undefined || !isJsonObject(argumentsText)) return null;
  return { tool, argumentsText, result: messages.slice(at).findLast((message) => message.role === 'tool') ?? null };
}

const textOf = (message: Message): string => message.parts.map((part) => (part.type === 'text' ? part.text : '')).join('\n');

function isJsonObject(text: string): boolean {
  try {
    return isObject(JSON.parse(text));
  } catch {
    return false;
  }
}
