import type { CacheControl, FilePart, ImagePart, MediaSource, Part, TextPart } from '../../chat/message.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields } from '../../json/index.js';

const MAX_PARTS = 10_000;

/** A message's `content`: a string, or parts. `null` and absent give no part. */
export function parseContent(message: Fields, key = 'content'): Part[] {
  const value = message.object[key];
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  if (!Array.isArray(value)) throw message.wrong(key, 'a string or an array of parts');
  const parts = message.array(key, MAX_PARTS) ?? [];
  return parts.map((part, at) => parsePart(Fields.of(part, `${message.at(key)}[${at}]`)));
}

const PARSERS: Readonly<Record<string, (fields: Fields) => Part>> = {
  text: textPart,
  input_text: textPart,
  output_text: textPart,
  image_url: imagePart,
  input_audio: audioPart,
  file: filePart,
  refusal: (fields) => ({ type: 'refusal', text: requiredText(fields, 'refusal') }),
  video_url: (fields) => ({ type: 'video', source: sourceOf(urlOf(fields, 'video_url'), fields.at('video_url')) }),
  // Mistral's documents and thinking parts (https://docs.mistral.ai, 2026-10).
  document_url: (fields) => ({
    type: 'file',
    source: sourceOf(urlOf(fields, 'document_url'), fields.at('document_url')),
    filename: fields.string('document_name'),
  }),
  thinking: thinkingPart,
};

function parsePart(fields: Fields): Part {
  const type = fields.requiredString('type');
  const parser = Object.hasOwn(PARSERS, type) ? PARSERS[type] : undefined;
  // A part only one provider knows goes through in the native lane, and nowhere else.
  return parser?.(fields) ?? { type: 'opaque', protocol: 'openai-chat', value: fields.object };
}

function requiredText(fields: Fields, key: string): string {
  const text = fields.string(key);
  if (text === undefined) throw invalidRequest(fields.at(key), `\`${fields.at(key)}\` is missing; it must be a string.`);
  return text;
}

function textPart(fields: Fields): TextPart {
  const part: TextPart = { type: 'text', text: requiredText(fields, 'text') };
  return withCacheControl(part, fields);
}

function imagePart(fields: Fields): ImagePart {
  const part: ImagePart = { type: 'image', source: sourceOf(urlOf(fields, 'image_url'), fields.at('image_url')) };
  const image = fields.object['image_url'];
  const detail = typeof image === 'object' ? fields.requiredFields('image_url').string('detail') : undefined;
  if (detail !== undefined) part.detail = detail;
  return withCacheControl(part, fields);
}

function audioPart(fields: Fields): Part {
  const audio = fields.requiredFields('input_audio');
  const format = audio.string('format');
  const source: MediaSource = {
    kind: 'inline',
    mediaType: `audio/${format === undefined || format === 'mp3' ? 'mpeg' : format}`,
    data: audio.requiredString('data'),
  };
  return { type: 'audio', source, format };
}

function filePart(fields: Fields): FilePart {
  const file = fields.requiredFields('file');
  const filename = file.string('filename');
  const id = file.string('file_id');
  const data = file.string('file_data') ?? file.string('file_url');
  if (id === undefined && data === undefined) {
    throw invalidRequest(file.path, `\`${file.path}\` needs \`file_id\` or \`file_data\`.`);
  }
  const source: MediaSource = data === undefined ? { kind: 'provider-file', id: id as string } : sourceOf(data, file.at('file_data'));
  const part: FilePart = { type: 'file', source, filename };
  return withCacheControl(part, fields);
}

function thinkingPart(fields: Fields): Part {
  const thinking = fields.object['thinking'];
  const text = typeof thinking === 'string' ? thinking : textsOf(thinking);
  return { type: 'reasoning', text, signature: fields.string('signature'), origin: fields.has('signature') ? 'anthropic-messages' : undefined };
}

/** The texts of a list of text parts, in one. */
export function textsOf(value: unknown): string {
  if (!Array.isArray(value)) return '';
  return (value as unknown[])
    .map((part) => (typeof part === 'object' && part !== null && typeof (part as { text?: unknown }).text === 'string' ? (part as { text: string }).text : ''))
    .join('');
}

/** `{url}` as OpenAI writes it, or the address itself as Mistral does. */
function urlOf(fields: Fields, key: string): string {
  return typeof fields.object[key] === 'string' ? fields.requiredString(key) : fields.requiredFields(key).requiredString('url');
}

/** A data URI becomes inline data without being copied or searched beyond its comma. */
function sourceOf(url: string, path: string): MediaSource {
  if (!url.startsWith('data:')) return { kind: 'url', url };
  const comma = url.indexOf(',');
  const head = url.slice(5, comma === -1 || comma > 200 ? 5 : comma);
  if (!head.endsWith(';base64')) throw invalidRequest(path, `\`${path}\` must be a base64 data URI (\`data:image/png;base64,…\`) or an address.`);
  const mediaType = head.slice(0, -7).split(';')[0] ?? '';
  return { kind: 'inline', mediaType: mediaType === '' ? 'application/octet-stream' : mediaType, data: url.slice(comma + 1) };
}

function withCacheControl<T extends { cacheControl?: CacheControl }>(part: T, fields: Fields): T {
  const cacheControl = fields.rawObject('cache_control');
  if (cacheControl !== undefined) part.cacheControl = cacheControl as unknown as CacheControl;
  return part;
}
