import type { ImagePart, Message, Part, ToolResultPart } from '../../chat/message.js';
import { GatewayError, invalidRequest } from '../../errors/gateway-error.js';
import type { JsonObject } from '../../json/index.js';

/** Canonical messages as Cohere's: roles `system`, `user`, `assistant`, `tool`; the model's plan stands beside its calls. */
export function renderMessages(messages: readonly Message[]): JsonObject[] {
  return messages.flatMap((message, index) => renderMessage(message, `messages[${index}]`));
}

function renderMessage(message: Message, path: string): JsonObject[] {
  if (message.role === 'tool')
    return message.parts.filter((part): part is ToolResultPart => part.type === 'tool-result').map((part) => renderResult(part, path));
  if (message.role === 'assistant') return [renderAnswer(message.parts, path)];
  const role = message.role === 'user' ? 'user' : 'system';
  const blocks = message.parts.flatMap((part, index) => renderPart(part, `${path}.content[${index}]`));
  const [only] = blocks;
  if (blocks.length === 1 && only?.['type'] === 'text') return [{ role, content: only['text'] }];
  return [{ role, content: blocks.length === 0 ? '' : blocks }];
}

function renderAnswer(parts: readonly Part[], path: string): JsonObject {
  const calls = parts.flatMap((part) =>
    part.type === 'tool-call'
      ? [{ id: part.id, type: 'function', function: { name: part.name, arguments: part.arguments === '' ? '{}' : part.arguments } }]
      : [],
  );
  const said = parts.filter((part) => part.type !== 'tool-call' && part.type !== 'reasoning');
  const content = said.flatMap((part, index) => renderPart(part, `${path}.content[${index}]`)).filter((block) => block['text'] !== '');
  if (calls.length === 0) return { role: 'assistant', content: content.length === 0 ? '' : content };
  // What the model thought before it called is its plan; without calls Cohere has no use for earlier thoughts.
  const plan = parts.map((part) => (part.type === 'reasoning' ? part.text : '')).join('');
  return { role: 'assistant', ...(content.length > 0 && { content }), ...(plan !== '' && { tool_plan: plan }), tool_calls: calls };
}

function renderPart(part: Part, path: string): JsonObject[] {
  switch (part.type) {
    case 'text':
    case 'refusal':
      return [{ type: 'text', text: part.text }];
    case 'image':
      return [renderImage(part, path)];
    case 'file':
      if (part.text !== undefined) return [{ type: 'text', text: part.text }];
      throw unsupported(path, 'files; send their text');
    case 'opaque':
      if (part.protocol === 'cohere-chat') return [part.value as JsonObject];
      throw unsupported(path, `blocks of ${part.protocol}`);
    default:
      throw unsupported(path, `${part.type} input`);
  }
}

function renderImage(part: ImagePart, path: string): JsonObject {
  const { source } = part;
  if (source.kind === 'provider-file') throw invalidRequest(path, `\`${path}\`: this model takes images as addresses or inline, not as stored files.`);
  const url = source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
  const detail = part.detail === 'low' || part.detail === 'high' ? { detail: part.detail } : {};
  return { type: 'image_url', image_url: { url, ...detail } };
}

function renderResult(part: ToolResultPart, path: string): JsonObject {
  const text = part.content.map((inner) => {
    if (inner.type === 'text' || inner.type === 'refusal') return inner.text;
    if (inner.type === 'file' && inner.text !== undefined) return inner.text;
    throw unsupported(path, `${inner.type} in tool results`);
  });
  return { role: 'tool', tool_call_id: part.toolCallId, content: text.join('') };
}

function unsupported(path: string, what: string): GatewayError {
  return new GatewayError('unsupported_parameter', `\`${path}\`: this model takes no ${what}.`, { param: path });
}
