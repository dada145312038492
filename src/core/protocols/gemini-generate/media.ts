import type { AudioPart, FilePart, ImagePart, MediaSource, Part, VideoPart } from '../../chat/message.js';

export type MediaPart = ImagePart | AudioPart | VideoPart | FilePart;

const AUDIO_TYPES: Readonly<Record<string, string>> = {
  wav: 'audio/wav',
  mp3: 'audio/mp3',
  flac: 'audio/flac',
  ogg: 'audio/ogg',
  opus: 'audio/ogg',
  aac: 'audio/aac',
  m4a: 'audio/m4a',
  aiff: 'audio/aiff',
  pcm16: 'audio/l16',
};

const TYPE_BY_EXTENSION: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  webp: 'image/webp',
  gif: 'image/gif',
  heic: 'image/heic',
  heif: 'image/heif',
  pdf: 'application/pdf',
  txt: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  html: 'text/html',
  json: 'application/json',
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mpeg: 'video/mpeg',
  ...AUDIO_TYPES,
};

const DEFAULT_TYPE: Readonly<Record<MediaPart['type'], string>> = { image: 'image/jpeg', audio: 'audio/mp3', video: 'video/mp4', file: 'application/pdf' };

/** The canonical part for bytes of a MIME type. */
export function mediaPartOf(mediaType: string, source: MediaSource): MediaPart {
  const type = mediaType.toLowerCase();
  if (type.startsWith('image/')) return { type: 'image', source };
  if (type.startsWith('video/')) return { type: 'video', source };
  if (!type.startsWith('audio/')) return { type: 'file', source };
  const format = audioFormatOf(type);
  return format === undefined ? { type: 'audio', source } : { type: 'audio', source, format };
}

/** OpenAI's word for an audio MIME type (`audio/L16;codec=pcm;rate=24000` → `pcm16`). */
export function audioFormatOf(mediaType: string): string | undefined {
  const type = mediaType.toLowerCase().split(';')[0]?.trim() ?? '';
  if (type === 'audio/mpeg') return 'mp3';
  if (type === 'audio/x-wav' || type === 'audio/wave') return 'wav';
  return Object.entries(AUDIO_TYPES).find(([, known]) => known === type)?.[0];
}

/** The MIME type of a media part as well as it can be known: stated, by audio format, by the extension of its name, else the usual one. */
export function mediaTypeOf(part: MediaPart): string {
  if (part.source.kind === 'inline' && part.source.mediaType !== '') return part.source.mediaType;
  if (part.type === 'audio' && part.format !== undefined) return AUDIO_TYPES[part.format.toLowerCase()] ?? `audio/${part.format.toLowerCase()}`;
  const named = part.type === 'file' ? part.filename : undefined;
  return typeByName(named) ?? (part.source.kind === 'url' ? typeByName(pathOf(part.source.url)) : undefined) ?? DEFAULT_TYPE[part.type];
}

function typeByName(name: string | undefined): string | undefined {
  const extension = /\.([a-z0-9]{1,5})$/i.exec(name ?? '')?.[1]?.toLowerCase();
  return extension === undefined ? undefined : TYPE_BY_EXTENSION[extension];
}

function pathOf(url: string): string {
  return (url.split(/[?#]/, 1)[0] ?? '').slice(-64);
}

/** `data:image/png;base64,…` → its type and base64 data; null for any other URL. */
export function decodeDataUri(url: string): { mediaType: string; data: string } | null {
  if (!/^data:/i.test(url)) return null;
  const comma = url.indexOf(',');
  if (comma < 0) return null;
  const head = url.slice(5, comma);
  const body = url.slice(comma + 1);
  const mediaType = head.split(';', 1)[0] === '' ? 'text/plain' : (head.split(';', 1)[0] as string);
  if (/;base64$/i.test(head)) return { mediaType, data: body };
  try {
    return { mediaType, data: Buffer.from(decodeURIComponent(body), 'utf8').toString('base64') };
  } catch {
    return null;
  }
}

export function isMedia(part: Part): part is MediaPart {
  return part.type === 'image' || part.type === 'audio' || part.type === 'video' || part.type === 'file';
}
