import type { FilePart, ImagePart, MediaSource, VideoPart } from '../../chat/message.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { JsonObject } from '../../json/index.js';

const IMAGES: Readonly<Record<string, string>> = { png: 'png', jpeg: 'jpeg', jpg: 'jpeg', gif: 'gif', webp: 'webp' };
const VIDEOS: Readonly<Record<string, string>> = {
  mp4: 'mp4',
  quicktime: 'mov',
  mov: 'mov',
  'x-matroska': 'mkv',
  mkv: 'mkv',
  webm: 'webm',
  mpeg: 'mpeg',
  mpg: 'mpg',
  '3gpp': 'three_gp',
  '3gp': 'three_gp',
};
const DOCUMENTS: Readonly<Record<string, string>> = {
  pdf: 'pdf',
  csv: 'csv',
  doc: 'doc',
  msword: 'doc',
  docx: 'docx',
  'vnd.openxmlformats-officedocument.wordprocessingml.document': 'docx',
  xls: 'xls',
  'vnd.ms-excel': 'xls',
  xlsx: 'xlsx',
  'vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'xlsx',
  html: 'html',
  txt: 'txt',
  plain: 'txt',
  md: 'md',
  markdown: 'md',
};

/** Only bytes are taken, or what lies in S3: Bedrock fetches nothing from elsewhere. */
export function renderImage(part: ImagePart, path: string): JsonObject {
  return { image: { format: formatOf(part.source, IMAGES, path), source: sourceOf(part.source, path) } };
}

export function renderVideo(part: VideoPart, path: string): JsonObject {
  return { video: { format: formatOf(part.source, VIDEOS, path), source: sourceOf(part.source, path) } };
}

export function renderDocument(part: FilePart, path: string, name: string): JsonObject {
  if (part.text !== undefined) return { document: { format: 'txt', name, source: { text: part.text } } };
  const byName = DOCUMENTS[extensionOf(part.filename)];
  return { document: { format: byName ?? formatOf(part.source, DOCUMENTS, path), name, source: sourceOf(part.source, path) } };
}

/** Letters, digits, single spaces, hyphens, parentheses and brackets; told apart by number, because equal names are refused. */
export function documentName(filename: string | undefined, number: number): string {
  const base = (filename ?? '')
    .replace(/\.[a-z0-9]{1,5}$/i, '')
    .replace(/[^A-Za-z0-9()[\]-]+/g, ' ')
    .trim();
  const short = base === '' ? 'document' : base.slice(0, 180);
  return number === 1 ? short : `${short} ${number}`;
}

function sourceOf(source: MediaSource, path: string): JsonObject {
  if (source.kind === 'inline') return { bytes: source.data };
  const address = source.kind === 'url' ? source.url : source.id;
  if (address.startsWith('s3://')) return { s3Location: { uri: address } };
  throw new GatewayError('unsupported_parameter', `\`${path}\`: this provider fetches nothing; send the data inline as a \`data:\` URI.`, { param: path });
}

function formatOf(source: MediaSource, known: Readonly<Record<string, string>>, path: string): string {
  const name =
    source.kind === 'inline'
      ? (source.mediaType.toLowerCase().split(';')[0]?.split('/')[1] ?? '')
      : extensionOf(source.kind === 'url' ? source.url : source.id);
  const format = known[name];
  if (format !== undefined) return format;
  const formats = [...new Set(Object.values(known))].join(', ');
  throw new GatewayError('unsupported_parameter', `\`${path}\`: this provider takes ${formats}.`, { param: path });
}

function extensionOf(name: string | undefined): string {
  return /\.([a-z0-9]{1,5})(?:[?#].*)?$/i.exec(name ?? '')?.[1]?.toLowerCase() ?? '';
}
