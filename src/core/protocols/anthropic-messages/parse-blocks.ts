import { Buffer } from 'node:buffer';
import { invalidRequest } from '../../errors/gateway-error.js';
import type { FilePart, ImagePart, MediaSource, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../../chat/message.js';
import { unwrapSignature } from './foreign-signature.js';
import { asArray, asObject, at, compact, findBoolean, findCacheControl, findString, foreignMembers, getString } from './read.js';
import { PROTOCOL, type JsonObject } from './types.js';

const TEXT_MEMBERS = new Set(['type', 'text', 'cache_control', 'citations']);
const IMAGE_MEMBERS = new Set(['type', 'source', 'cache_control']);
const DOCUMENT_MEMBERS = new Set(['type', 'source', 'cache_control', 'title']);
const TOOL_USE_MEMBERS = new Set(['type', 'id', 'name', 'input', 'cache_control']);
const TOOL_RESULT_MEMBERS = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);

/** One content block of a client's message. A type we do not know is kept whole: only this protocol can carry it. */
export function parseBlock(value: unknown, path: string): Part {
  const block = asObject(value, path);
  switch (getString(block, 'type', path)) {
    case 'text':
      return parseText(block, path);
    case 'image':
      return parseImage(block, path);
    case 'document':
      return parseDocument(block, path);
    case 'thinking':
      return parseThinking(block, path);
    case 'redacted_thinking':
      return parseRedacted(block, path);
    case 'tool_use':
      return parseToolUse(block, path);
    case 'tool_result':
      return parseToolResult(block, path);
    default:
      return { type: 'opaque', protocol: PROTOCOL, value: block };
  }
}

/** `content` of a message or tool result: a string or a list of blocks. */
export function parseContent(value: unknown, path: string): Part[] {
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  if (!Array.isArray(value)) throw invalidRequest(path, `'${path}' must be a string or an array of content blocks.`);
  return asArray(value, path).map((block, index) => parseBlock(block, at(path, index)));
}

function parseText(block: JsonObject, path: string): TextPart {
  const citations = block['citations'];
  return compact<TextPart>({
    type: 'text',
    text: getString(block, 'text', path),
    cacheControl: findCacheControl(block, path),
    annotations: Array.isArray(citations) ? citations : undefined,
    foreign: foreignMembers(block, TEXT_MEMBERS),
  });
}

function parseImage(block: JsonObject, path: string): Part {
  const where = at(path, 'source');
  const source = asObject(block['source'], where);
  const media = parseStoredSource(source, where) ?? parseBase64(source, where);
  if (media === null) return { type: 'opaque', protocol: PROTOCOL, value: block };
  return compact<ImagePart>({ type: 'image', source: media, cacheControl: findCacheControl(block, path), foreign: foreignMembers(block, IMAGE_MEMBERS) });
}

function parseDocument(block: JsonObject, path: string): Part {
  const where = at(path, 'source');
  const source = asObject(block['source'], where);
  const text = source['type'] === 'text' ? getString(source, 'data', where) : undefined;
  const media = text === undefined ? (parseStoredSource(source, where) ?? parseBase64(source, where)) : inlineText(text);
  // A document made of content blocks has no equal elsewhere.
  if (media === null) return { type: 'opaque', protocol: PROTOCOL, value: block };
  return compact<FilePart>({
    type: 'file',
    source: media,
    filename: findString(block, 'title', path),
    text,
    cacheControl: findCacheControl(block, path),
    foreign: foreignMembers(block, DOCUMENT_MEMBERS),
  });
}

function inlineText(text: string): MediaSource {
  return { kind: 'inline', mediaType: 'text/plain', data: Buffer.from(text, 'utf8').toString('base64') };
}

function parseStoredSource(source: JsonObject, path: string): MediaSource | null {
  if (source['type'] === 'url') return { kind: 'url', url: getString(source, 'url', path) };
  if (source['type'] === 'file') return { kind: 'provider-file', id: getString(source, 'file_id', path) };
  return null;
}

function parseBase64(source: JsonObject, path: string): MediaSource | null {
  if (getString(source, 'type', path) !== 'base64') return null;
  return { kind: 'inline', mediaType: getString(source, 'media_type', path), data: getString(source, 'data', path) };
}

function parseThinking(block: JsonObject, path: string): ReasoningPart {
  const part: ReasoningPart = { type: 'reasoning', text: getString(block, 'thinking', path) };
  const signature = findString(block, 'signature', path);
  if (signature === undefined || signature === '') return part;
  const { value, origin } = unwrapSignature(signature);
  return { ...part, signature: value, origin };
}

function parseRedacted(block: JsonObject, path: string): ReasoningPart {
  const { value, origin } = unwrapSignature(getString(block, 'data', path));
  return { type: 'reasoning', text: '', encrypted: value, origin };
}

function parseToolUse(block: JsonObject, path: string): ToolCallPart {
  const input = asObject(block['input'] ?? {}, at(path, 'input'));
  return compact<ToolCallPart>({
    type: 'tool-call',
    id: getString(block, 'id', path),
    name: getString(block, 'name', path),
    arguments: JSON.stringify(input),
    cacheControl: findCacheControl(block, path),
    foreign: foreignMembers(block, TOOL_USE_MEMBERS),
  });
}

function parseToolResult(block: JsonObject, path: string): ToolResultPart {
  const content = block['content'];
  return compact<ToolResultPart>({
    type: 'tool-result',
    toolCallId: getString(block, 'tool_use_id', path),
    content: content === undefined || content === null ? [] : parseContent(content, at(path, 'content')),
    isError: findBoolean(block, 'is_error', path),
    cacheControl: findCacheControl(block, path),
    foreign: foreignMembers(block, TOOL_RESULT_MEMBERS),
  });
}
