import type { Message, Part, ToolCallPart, ToolResultPart } from '../../chat/message.js';
import { GatewayError } from '../../errors/gateway-error.js';
import { isObject, type JsonObject } from '../../json/index.js';

/** Canonical messages as Ollama's: text in one piece, images as bare base64 beside it, arguments as objects. */
export function renderMessages(messages: readonly Message[]): JsonObject[] {
  const names = namesOfCalls(messages);
  return messages.flatMap((message, index) => renderMessage(message, `messages[${index}]`, names));
}

/** A result names its tool here, not its call. */
function namesOfCalls(messages: readonly Message[]): ReadonlyMap<string, string> {
  const calls = messages.flatMap(({ parts }) => parts.filter((part): part is ToolCallPart => part.type === 'tool-call'));
  return new Map(calls.map((call) => [call.id, call.name]));
}

function renderMessage(message: Message, path: string, names: ReadonlyMap<string, string>): JsonObject[] {
  if (message.role === 'tool')
    return message.parts.filter((part): part is ToolResultPart => part.type === 'tool-result').map((part) => renderResult(part, path, names));
  const role = message.role === 'developer' ? 'system' : message.role;
  const rendered: JsonObject = { role, content: message.parts.map((part, index) => textIn(part, `${path}.content[${index}]`)).join('') };
  const thinking = message.parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
  const calls = message.parts.filter((part): part is ToolCallPart => part.type === 'tool-call');
  const images = message.parts.flatMap((part, index) => imageIn(part, `${path}.content[${index}]`));
  if (thinking !== '' && role === 'assistant') rendered['thinking'] = thinking;
  if (calls.length > 0) rendered['tool_calls'] = calls.map(renderCall);
  if (images.length > 0) rendered['images'] = images;
  return [rendered];
}

function textIn(part: Part, path: string): string {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return part.text;
    case 'image':
    case 'reasoning':
    case 'tool-call':
      return '';
    case 'file':
      if (part.text !== undefined) return part.text;
      throw unsupported(path, 'takes no files; send their text');
    case 'opaque':
      throw unsupported(path, `takes no blocks of ${part.protocol}`);
    default:
      throw unsupported(path, `takes no ${part.type} input`);
  }
}

function imageIn(part: Part, path: string): string[] {
  if (part.type !== 'image') return [];
  if (part.source.kind === 'inline') return [part.source.data];
  throw unsupported(path, 'cannot fetch images; send the data inline as a `data:` URI');
}

function renderCall(call: ToolCallPart): JsonObject {
  return { ...(call.id !== '' && { id: call.id }), type: 'function', function: { name: call.name, arguments: objectOf(call.arguments) } };
}

/** Ollama takes an object; what a model broke off is kept as text inside one. */
function objectOf(text: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : { input: value };
  } catch {
    return { input: text };
  }
}

function renderResult(part: ToolResultPart, path: string, names: ReadonlyMap<string, string>): JsonObject {
  const name = part.name ?? names.get(part.toolCallId);
  const content = part.content.map((inner) => textIn(inner, path)).join('');
  const images = part.content.flatMap((inner) => imageIn(inner, path));
  return {
    role: 'tool',
    content,
    ...(name !== undefined && { tool_name: name }),
    ...(part.toolCallId !== '' && { tool_call_id: part.toolCallId }),
    ...(images.length > 0 && { images }),
  };
}

function unsupported(path: string, why: string): GatewayError {
  return new GatewayError('unsupported_parameter', `\`${path}\`: this model ${why}.`, { param: path });
}
