import type { MediaSource, Part, ToolCallPart } from '../../chat/message.js';
import { mediaPartOf } from './media.js';
import { GEMINI, isWire, member, type Wire } from './wire.js';

const TEXT_MEMBERS = new Set(['text', 'thought', 'thoughtSignature']);
const MEDIA_MEMBERS = new Set(['inlineData', 'fileData', 'thought', 'thoughtSignature', 'mediaResolution']);
const CALL_MEMBERS = new Set(['functionCall', 'thought', 'thoughtSignature']);

const DETAIL_BY_RESOLUTION: Readonly<Record<string, string>> = { MEDIA_RESOLUTION_LOW: 'low', MEDIA_RESOLUTION_MEDIUM: 'auto', MEDIA_RESOLUTION_HIGH: 'high' };

/**
 * One Gemini part as canonical parts. A thought signature on a part that is no function call becomes an empty reasoning part
 * behind it, because only reasoning and tool calls can carry one; render puts it back where it was. A part with members that
 * have no canonical place (code execution, video metadata …) is kept whole as opaque. Empty: the part says nothing.
 */
export function readPart(part: Wire): Part[] {
  const signature = textOf(member(part, 'thoughtSignature'));
  const call = member(part, 'functionCall');
  if (isWire(call) && onlyHas(part, CALL_MEMBERS)) return [readCall(call, signature)];
  if (typeof part['text'] === 'string' && onlyHas(part, TEXT_MEMBERS)) return readText(part['text'], part['thought'] === true, signature);
  return readOther(part, signature);
}

function readOther(part: Wire, signature: string | undefined): Part[] {
  const media = onlyHas(part, MEDIA_MEMBERS) ? readMedia(part) : null;
  const signed = signature === undefined ? [] : [signatureOnly(signature)];
  if (media !== null) return [media, ...signed];
  if (onlyHas(part, TEXT_MEMBERS)) return signed;
  return [{ type: 'opaque', protocol: GEMINI, value: part }];
}

function readText(text: string, thought: boolean, signature: string | undefined): Part[] {
  if (thought) return [signature === undefined ? { type: 'reasoning', text, origin: GEMINI } : { type: 'reasoning', text, signature, origin: GEMINI }];
  const parts: Part[] = text === '' && signature !== undefined ? [] : [{ type: 'text', text }];
  return signature === undefined ? parts : [...parts, signatureOnly(signature)];
}

const signatureOnly = (signature: string): Part => ({ type: 'reasoning', text: '', signature, origin: GEMINI });

function readCall(call: Wire, signature: string | undefined): ToolCallPart {
  const args = member(call, 'args');
  const part: ToolCallPart = {
    type: 'tool-call',
    id: textOf(member(call, 'id')) ?? '',
    name: textOf(member(call, 'name')) ?? '',
    arguments: JSON.stringify(args ?? {}),
  };
  if (signature !== undefined) part.signature = signature;
  return part;
}

/** `inlineData` or `fileData`; null when it is neither or lacks its bytes. */
export function readMedia(part: Wire): Part | null {
  const inline = member(part, 'inlineData');
  if (isWire(inline)) {
    const mediaType = textOf(member(inline, 'mimeType')) ?? 'application/octet-stream';
    const data = textOf(member(inline, 'data'));
    return data === undefined ? null : withDetail(mediaPartOf(mediaType, { kind: 'inline', mediaType, data }), part);
  }
  const file = member(part, 'fileData');
  if (!isWire(file)) return null;
  const uri = textOf(member(file, 'fileUri'));
  if (uri === undefined) return null;
  return withDetail(mediaPartOf(textOf(member(file, 'mimeType')) ?? 'application/octet-stream', sourceOf(uri)), part);
}

/** Files stored at Google cannot be read by any other provider; other addresses can. */
function sourceOf(uri: string): MediaSource {
  const stored = uri.startsWith('gs://') || uri.startsWith('files/') || uri.startsWith('https://generativelanguage.googleapis.com/');
  return stored ? { kind: 'provider-file', id: uri } : { kind: 'url', url: uri };
}

function withDetail(media: Part, part: Wire): Part {
  const resolution = member(part, 'mediaResolution');
  const detail = isWire(resolution) ? DETAIL_BY_RESOLUTION[String(resolution['level'])] : undefined;
  return media.type === 'image' && detail !== undefined ? { ...media, detail } : media;
}

function onlyHas(part: Wire, known: ReadonlySet<string>): boolean {
  return Object.entries(part).every(([name, value]) => value === null || known.has(name) || known.has(camelCase(name)));
}

const camelCase = (name: string): string => name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
