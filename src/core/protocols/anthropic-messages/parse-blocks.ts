import { Buffer } from 'node:buffer';
import { invalidRequest } from '../../errors/gateway-error.js';
import type { FilePart, ImagePart, MediaSource, Part, ReasoningPart, TextPart, ToolCallPart, ToolResultPart } from '../../chat/message.js';
import { Fields, kindOf } from '../../json/index.js';
import { unwrapSignature } from './foreign-signature.js';
import { cacheControlOf, compact, foreignMembers, textOf } from './read.js';
import { PROTOCOL } from './types.js';

/** Blocks of one message or tool result. */
const MAX_BLOCKS = 10_000;

const TEXT_MEMBERS = new Set(['type', 'text', 'cache_control', 'citations']);
const IMAGE_MEMBERS = new Set(['type', 'source', 'cache_control']);
const DOCUMENT_MEMBERS = new Set(['type', 'source', 'cache_control', 'title']);
const TOOL_USE_MEMBERS = new Set(['type', 'id', 'name', 'input', 'cache_control']);
const TOOL_RESULT_MEMBERS = new Set(['type', 'tool_use_id', 'content', 'is_error', 'cache_control']);

/** `content` of a message or tool result, or `system`: a string or a list of blocks. */
export function parseContent(fields: Fields, key: string): Part[] {
  const value = fields.object[key];
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  if (value === undefined || value === null)
    throw invalidRequest(fields.at(key), `\`${fields.at(key)}\` is missing; it must be a string or an array of content blocks.`);
  if (!Array.isArray(value))
    throw invalidRequest(fields.at(key), `\`${fields.at(key)}\` must be a string or an array of content blocks, but is ${kindOf(value)}.`);
  return (fields.array(key, MAX_BLOCKS) ?? []).map((block, index) => parseBlock(Fields.of(block, `${fields.at(key)}[${index}]`)));
}

/** One content block of a client's message. A type we do not know is kept whole: only this protocol can carry it. */
function parseBlock(block: Fields): Part {
  switch (block.requiredString('type')) {
    case 'text':
      return parseText(block);
    case 'image':
      return parseImage(block);
    case 'document':
      return parseDocument(block);
    case 'thinking':
      return parseThinking(block);
    case 'redacted_thinking':
      return parseRedacted(block);
    case 'tool_use':
      return parseToolUse(block);
    case 'tool_result':
      return parseToolResult(block);
    default:
      return { type: 'opaque', protocol: PROTOCOL, value: block.object };
  }
}

function parseText(block: Fields): TextPart {
  return compact<TextPart>({
    type: 'text',
    text: textOf(block, 'text'),
    cacheControl: cacheControlOf(block),
    annotations: block.array('citations', MAX_BLOCKS),
    foreign: foreignMembers(block.object, TEXT_MEMBERS),
  });
}

function parseImage(block: Fields): Part {
  const source = parseSource(block.requiredFields('source'));
  if (source === null) return { type: 'opaque', protocol: PROTOCOL, value: block.object };
  return compact<ImagePart>({ type: 'image', source, cacheControl: cacheControlOf(block), foreign: foreignMembers(block.object, IMAGE_MEMBERS) });
}

function parseDocument(block: Fields): Part {
  const wire = block.requiredFields('source');
  const text = wire.object['type'] === 'text' ? textOf(wire, 'data') : undefined;
  const source = text === undefined ? parseSource(wire) : inlineText(text);
  // A document made of content blocks has no equal elsewhere.
  if (source === null) return { type: 'opaque', protocol: PROTOCOL, value: block.object };
  return compact<FilePart>({
    type: 'file',
    source,
    filename: block.string('title'),
    text,
    cacheControl: cacheControlOf(block),
    foreign: foreignMembers(block.object, DOCUMENT_MEMBERS),
  });
}

function inlineText(text: string): MediaSource {
  return { kind: 'inline', mediaType: 'text/plain', data: Buffer.from(text, 'utf8').toString('base64') };
}

/** Null: a kind of source we do not know. */
function parseSource(source: Fields): MediaSource | null {
  switch (source.requiredString('type')) {
    case 'url':
      return { kind: 'url', url: source.requiredString('url') };
    case 'file':
      return { kind: 'provider-file', id: source.requiredString('file_id') };
    case 'base64':
      return { kind: 'inline', mediaType: source.requiredString('media_type'), data: textOf(source, 'data') };
    default:
      return null;
  }
}

function parseThinking(block: Fields): ReasoningPart {
  const part: ReasoningPart = { type: 'reasoning', text: textOf(block, 'thinking') };
  const signature = block.string('signature');
  if (signature === undefined || signature === '') return part;
  const { value, origin } = unwrapSignature(signature);
  return { ...part, signature: value, origin };
}

function parseRedacted(block: Fields): ReasoningPart {
  const { value, origin } = unwrapSignature(textOf(block, 'data'));
  return { type: 'reasoning', text: '', encrypted: value, origin };
}

function parseToolUse(block: Fields): ToolCallPart {
  return compact<ToolCallPart>({
    type: 'tool-call',
    id: block.requiredString('id'),
    name: block.requiredString('name'),
    arguments: JSON.stringify(block.rawObject('input') ?? {}),
    cacheControl: cacheControlOf(block),
    foreign: foreignMembers(block.object, TOOL_USE_MEMBERS),
  });
}

function parseToolResult(block: Fields): ToolResultPart {
  return compact<ToolResultPart>({
    type: 'tool-result',
    toolCallId: block.requiredString('tool_use_id'),
    content: block.has('content') ? parseContent(block, 'content') : [],
    isError: block.boolean('is_error'),
    cacheControl: cacheControlOf(block),
    foreign: foreignMembers(block.object, TOOL_RESULT_MEMBERS),
  });
}
