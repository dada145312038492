import { createHash } from 'node:crypto';
import { invalidRequest } from '../errors/gateway-error.js';

const MAX_BOUNDARY_CHARS = 70;
const MAX_PARTS = 64;
const MAX_HEADER_BYTES = 8_192;
const MAX_NAME_CHARS = 128;
const CRLF2 = Buffer.from('\r\n\r\n');

export interface FormPart {
  name: string;
  /** Without path, control characters or quotes; undefined: a field and no file. */
  fileName?: string;
  contentType?: string;
  /** A view into the body, not a copy. */
  bytes: Buffer;
}

/** One `multipart/form-data` body, read whole and bounded; nothing is ever written to a disk. */
export class MultipartForm {
  constructor(readonly parts: readonly FormPart[]) {}

  /** The text of a field; undefined when there is none. Throws 400 when it is longer than any field should be. */
  field(name: string, maxChars = 16_384): string | undefined {
    const part = this.parts.find((candidate) => candidate.name === name && candidate.fileName === undefined);
    if (part === undefined) return undefined;
    if (part.bytes.length > maxChars * 4) throw invalidRequest(name, `\`${name}\` is too long.`);
    return part.bytes.toString('utf8');
  }

  file(name: string): FormPart | undefined {
    return this.parts.find((candidate) => candidate.name === name && candidate.fileName !== undefined);
  }
}

/** RFC 7578, as far as clients use it. Linear in the body; throws 400 `invalid_request` for anything that is not proper. */
export function parseMultipart(body: Buffer, contentType: string): MultipartForm {
  const boundary = boundaryOf(contentType);
  // The first one stands at the beginning of the body, every other at the beginning of a line.
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  const parts: FormPart[] = [];
  if (!body.subarray(0, delimiter.length - 2).equals(delimiter.subarray(2))) throw broken('it does not begin with its boundary');
  for (let at = -2; ;) {
    at += delimiter.length;
    if (body.toString('latin1', at, at + 2) === '--') return new MultipartForm(parts);
    if (body.toString('latin1', at, at + 2) !== '\r\n') throw broken('a boundary is not followed by a line break');
    const end = body.indexOf(delimiter, at);
    if (end < 0) throw broken('its end is missing');
    if (parts.length >= MAX_PARTS) throw broken(`it has more than ${MAX_PARTS} parts`);
    parts.push(parsePart(body.subarray(at + 2, end)));
    at = end;
  }
}

/** The form anew, under a boundary that is the digest of what it holds: no part can contain it, so nobody can smuggle in another part. */
export function renderMultipart(parts: readonly FormPart[]): { contentType: string; body: Buffer } {
  const digest = createHash('sha256');
  for (const part of parts) digest.update(part.name).update(part.fileName ?? '').update(part.bytes);
  const boundary = `opengateway-${digest.digest('hex').slice(0, 40)}`;
  const chunks = parts.flatMap((part) => [Buffer.from(headOf(part, boundary)), part.bytes, Buffer.from('\r\n')]);
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: Buffer.concat([...chunks, Buffer.from(`--${boundary}--\r\n`)]) };
}

function headOf({ name, fileName, contentType }: FormPart, boundary: string): string {
  const file = fileName === undefined ? '' : `; filename="${fileName}"`;
  const type = contentType === undefined ? '' : `content-type: ${contentType}\r\n`;
  return `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${file}\r\n${type}\r\n`;
}

function boundaryOf(contentType: string): string {
  const found = /;\s*boundary=(?:"([^"\r\n]+)"|([^\s;"]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  if (boundary === undefined) throw broken('its Content-Type names no boundary');
  if (boundary.length > MAX_BOUNDARY_CHARS) throw broken(`its boundary is longer than ${MAX_BOUNDARY_CHARS} characters`);
  return boundary;
}

function parsePart(bytes: Buffer): FormPart {
  const end = bytes.subarray(0, MAX_HEADER_BYTES).indexOf(CRLF2);
  if (end < 0) throw broken('a part has no proper header');
  return { ...headerOf(bytes.toString('utf8', 0, end)), bytes: bytes.subarray(end + CRLF2.length) };
}

function headerOf(header: string): Omit<FormPart, 'bytes'> {
  const disposition = /^content-disposition:\s*form-data\s*;([^\r\n]*)/im.exec(header)?.[1] ?? '';
  const file = /(?:^|[;\s])filename="([^"]*)"/i.exec(disposition)?.[1];
  const type = /^content-type:\s*([\w.+/-]+)/im.exec(header)?.[1];
  return {
    name: nameOf(disposition),
    ...(file === undefined ? {} : { fileName: safeName(file) }),
    ...(type === undefined ? {} : { contentType: type.slice(0, MAX_NAME_CHARS) }),
  };
}

function nameOf(disposition: string): string {
  const name = /(?:^|[;\s])name="([^"]*)"/i.exec(disposition)?.[1] ?? '';
  if (!/^[\w.[\]-]+$/.test(name) || name.length > MAX_NAME_CHARS) throw broken('a part has no proper name');
  return name;
}

/** The last segment of whatever path was given, in characters that mean nothing to anybody. */
function safeName(name: string): string {
  const last = name.slice(Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\')) + 1);
  const safe = last.replace(/[^\w.-]/g, '_').replace(/^\.+/, '').slice(-MAX_NAME_CHARS);
  return safe === '' ? 'file' : safe;
}

function broken(why: string) {
  return invalidRequest('body', `The multipart body cannot be read: ${why}.`);
}
