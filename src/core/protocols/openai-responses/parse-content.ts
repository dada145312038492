import type { MediaSource, Part } from '../../chat/message.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields } from '../../json/index.js';
import { CONTENT_PROTOCOL } from './types.js';

const MAX_PARTS = 10_000;

/** A message's `content` or a tool's `output`: a string, or parts. */
export function parseContent(item: Fields, key = 'content'): Part[] {
  const value = item.object[key];
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return [{ type: 'text', text: value }];
  if (!Array.isArray(value)) throw item.wrong(key, 'a string or an array of parts');
  const parts = item.array(key, MAX_PARTS) ?? [];
  return parts.map((part, at) => parsePart(Fields.of(part, `${item.at(key)}[${at}]`)));
}

const PARSERS: Readonly<Record<string, (fields: Fields) => Part>> = {
  input_text: textPart,
  output_text: textPart,
  text: textPart,
  summary_text: textPart,
  refusal: (fields) => ({ type: 'refusal', text: requiredText(fields, 'refusal') }),
  input_image: imagePart,
  input_file: filePart,
  input_audio: audioPart,
};

function parsePart(fields: Fields): Part {
  const type = fields.requiredString('type');
  const parser = Object.hasOwn(PARSERS, type) ? PARSERS[type] : undefined;
  return parser?.(fields) ?? { type: 'opaque', protocol: CONTENT_PROTOCOL, value: fields.object };
}

function requiredText(fields: Fields, key: string): string {
  const text = fields.string(key);
  if (text === undefined) throw invalidRequest(fields.at(key), `\`${fields.at(key)}\` is missing; it must be a string.`);
  return text;
}

function textPart(fields: Fields): Part {
  const annotations = fields.array('annotations', MAX_PARTS) ?? [];
  return { type: 'text', text: requiredText(fields, 'text'), ...(annotations.length > 0 ? { annotations } : {}) };
}

function imagePart(fields: Fields): Part {
  const detail = fields.string('detail');
  return { type: 'image', source: sourceOf(fields, 'image_url'), ...(detail === undefined ? {} : { detail }) };
}

function filePart(fields: Fields): Part {
  const filename = fields.string('filename');
  const source = sourceOf(fields, fields.has('file_url') ? 'file_url' : 'file_data');
  return { type: 'file', source, ...(filename === undefined ? {} : { filename }) };
}

function audioPart(fields: Fields): Part {
  const audio = fields.requiredFields('input_audio');
  const format = audio.string('format');
  const subtype = format === undefined || format === 'mp3' ? 'mpeg' : format;
  return { type: 'audio', source: { kind: 'inline', mediaType: `audio/${subtype}`, data: audio.requiredString('data') }, format };
}

/** An address or a data URI under `key`, or a file of the provider's. A data URI is cut at its comma, not searched. */
function sourceOf(fields: Fields, key: string): MediaSource {
  const id = fields.string('file_id');
  const url = fields.string(key);
  if (url === undefined && id === undefined) throw invalidRequest(fields.at(key), `\`${fields.path}\` needs \`${key}\` or \`file_id\`.`);
  if (url === undefined) return { kind: 'provider-file', id: id as string };
  if (url.startsWith('data:')) return inlineSource(url, fields.at(key));
  return key === 'file_data' ? bareData(url) : { kind: 'url', url };
}

function inlineSource(url: string, path: string): MediaSource {
  const comma = url.indexOf(',');
  const head = url.slice(5, comma === -1 || comma > 200 ? 5 : comma);
  if (!head.endsWith(';base64')) throw invalidRequest(path, `\`${path}\` must be a base64 data URI or an address.`);
  const mediaType = head.slice(0, -7).split(';')[0] ?? '';
  return { kind: 'inline', mediaType: mediaType === '' ? 'application/octet-stream' : mediaType, data: url.slice(comma + 1) };
}

/** OpenAI takes base64 without the `data:` head too, for documents. */
function bareData(data: string): MediaSource {
  return { kind: 'inline', mediaType: 'application/pdf', data };
}
