import { Buffer } from 'node:buffer';
import { GatewayError } from '../../errors/gateway-error.js';
import type {
  CacheControl,
  FilePart,
  ForeignMembers,
  ImagePart,
  MediaSource,
  Part,
  ReasoningPart,
  TextPart,
  ToolCallPart,
  ToolResultPart,
} from '../../chat/message.js';
import { toolInput } from './tool-input.js';
import type { ToolIds } from './tool-ids.js';
import { PROTOCOL, type JsonObject, type WireBlock } from './types.js';

const IMAGE_TYPES: ReadonlySet<string> = new Set(['image/jpeg', 'image/png', 'image/gif', 'image/webp']);

/** A canonical part → one content block; null: nothing to send (empty text, thinking that this provider did not sign). */
export function renderPart(part: Part, path: string, ids: ToolIds): WireBlock | null {
  switch (part.type) {
    case 'text':
      return renderText(part);
    case 'image':
      return renderImage(part, path);
    case 'file':
      return renderFile(part, path);
    case 'reasoning':
      return renderReasoning(part);
    case 'tool-call':
      return renderToolCall(part, ids);
    case 'tool-result':
      return renderToolResult(part, path, ids);
    case 'refusal':
      return renderText({ type: 'text', text: part.text });
    case 'opaque':
      if (part.protocol === PROTOCOL) return part.value as WireBlock;
      throw unsupported(path, `a block of ${part.protocol} cannot be sent to this model`);
    default:
      throw unsupported(path, `this model takes no ${part.type} input`);
  }
}

function unsupported(path: string, why: string): GatewayError {
  return new GatewayError('unsupported_parameter', `'${path}': ${why}.`, { param: path });
}

function members(part: { cacheControl?: CacheControl; foreign?: ForeignMembers }): JsonObject {
  const own = part.foreign?.protocol === PROTOCOL ? part.foreign.members : {};
  return part.cacheControl === undefined ? own : { ...own, cache_control: part.cacheControl };
}

/** Empty and whitespace-only text is a 400 at Anthropic ("text content blocks must contain non-whitespace text"). */
function renderText(part: TextPart): WireBlock | null {
  if (part.text.trim() === '') return null;
  const citations = (part.annotations ?? []).filter(isCitation);
  return { type: 'text', text: part.text, ...(citations.length === 0 ? {} : { citations }), ...members(part) };
}

/** Annotations of other protocols (OpenAI `url_citation`) have no place in a text block. */
export function isCitation(value: unknown): boolean {
  const type = (value as { type?: unknown } | null)?.type;
  return typeof type === 'string' && (type.endsWith('_location') || type === 'web_search_result_location');
}

function renderImage(part: ImagePart, path: string): WireBlock {
  const source = renderSource(part.source, path);
  if (source['type'] === 'base64' && !IMAGE_TYPES.has(String(source['media_type']))) {
    throw unsupported(path, `images of type ${String(source['media_type'])} are not supported; send JPEG, PNG, GIF or WebP`);
  }
  return { type: 'image', source, ...members(part) };
}

function renderSource(source: MediaSource, path: string): JsonObject {
  if (source.kind === 'provider-file') return { type: 'file', file_id: source.id };
  if (source.kind === 'inline') return { type: 'base64', media_type: source.mediaType.toLowerCase(), data: source.data };
  if (/^https?:\/\//i.test(source.url)) return { type: 'url', url: source.url };
  const inline = /^data:([^;,]+)(?:;[^,]*)?;base64,/i.exec(source.url);
  if (inline === null) throw unsupported(path, 'only http(s) and base64 data URLs can be fetched');
  return { type: 'base64', media_type: (inline[1] ?? '').toLowerCase(), data: source.url.slice(inline[0].length) };
}

function renderFile(part: FilePart, path: string): WireBlock {
  const title = part.filename === undefined ? {} : { title: part.filename };
  const document = (source: JsonObject): WireBlock => ({ type: 'document', source, ...title, ...members(part) });
  if (part.text !== undefined) return document(plainText(part.text));
  const source = renderSource(part.source, path);
  if (source['type'] !== 'base64') return document(source);
  const mediaType = String(source['media_type']);
  if (mediaType === 'application/pdf') return document(source);
  if (IMAGE_TYPES.has(mediaType)) return { type: 'image', source, ...members(part) };
  if (!mediaType.startsWith('text/') && mediaType !== 'application/json')
    throw unsupported(path, `files of type ${mediaType} are not supported; send PDF or text`);
  return document(plainText(Buffer.from(String(source['data']), 'base64').toString('utf8')));
}

function plainText(text: string): JsonObject {
  return { type: 'text', media_type: 'text/plain', data: text };
}

/** Only what Anthropic signed itself can be replayed: it answers 400 to any other signature. */
function renderReasoning(part: ReasoningPart): WireBlock | null {
  if (part.origin !== PROTOCOL) return null;
  if (part.encrypted !== undefined) return { type: 'redacted_thinking', data: part.encrypted };
  if (part.signature === undefined || part.signature === '') return null;
  return { type: 'thinking', thinking: part.text, signature: part.signature };
}

function renderToolCall(part: ToolCallPart, ids: ToolIds): WireBlock {
  return { type: 'tool_use', id: ids.of(part.id), name: part.name, input: toolInput(part.arguments), ...members(part) };
}

function renderToolResult(part: ToolResultPart, path: string, ids: ToolIds): WireBlock {
  const blocks = part.content.map((inner, index) => renderPart(inner, `${path}.content[${index}]`, ids)).filter((block) => block !== null);
  const content = blocks.length === 0 ? {} : { content: plainContent(blocks) };
  return { type: 'tool_result', tool_use_id: ids.of(part.toolCallId), ...content, ...(part.isError === true ? { is_error: true } : {}), ...members(part) };
}

/** One plain text block is written as a string. */
export function plainContent(blocks: WireBlock[]): string | WireBlock[] {
  const [only] = blocks;
  if (blocks.length !== 1 || only?.type !== 'text' || Object.keys(only).length !== 2) return blocks;
  return only['text'] as string;
}
