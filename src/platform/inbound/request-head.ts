import type { IncomingHttpHeaders } from 'node:http';
import { betweenBlanks } from '../../core/text/index.js';
import { HEADER_NAME, NOT_IN_HEADER_VALUES } from './header-grammar.js';

/** Longer heads are node's. */
const MAX_HEAD_BYTES = 16_384;
const MAX_HEADERS = 100;
const HEAD_END = '\r\n\r\n';

const REQUEST_LINE = /^POST (\/[\x21-\x7e]*) HTTP\/1\.1$/;
/** So many digits are a safe number. */
const MAX_LENGTH_DIGITS = 10;
const LENGTH = /^\d{1,10}$/;
const ZERO = 48;

/** What changes how a message is read, or when: node's own server knows all of it, and gets such connections. */
const NOT_OURS = new Set(['transfer-encoding', 'expect', 'upgrade', 'trailer', '__proto__']);

/** Of a request in the form nearly all clients send: everything that the next one on its connection may well repeat. */
export interface RequestHead {
  readonly path: string;
  /** By lower-case name, each once; without Content-Length. */
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** The head up to the digits of Content-Length, and from behind them to its end. */
  readonly before: Buffer;
  readonly after: Buffer;
}

export interface ReadHead {
  readonly head: RequestHead;
  readonly contentLength: number;
  /** Where the body begins in the piece that was read. */
  readonly bodyStart: number;
}

/**
 * The head at the beginning of what came over a connection. Null for everything but the plainest form: POST, HTTP/1.1, all of the
 * head in one piece, every header once, a Content-Length, a Host, nothing that changes how the message is read. It accepts nothing
 * that node's parser would not read the same way; what is null is node's to judge.
 *
 * `last`: the head of the connection's last request. A client sends the same headers again and again, but for the length.
 */
export function readRequestHead(bytes: Buffer, last: RequestHead | null): ReadHead | null {
  const repeated = last === null ? null : readRepeated(bytes, last);
  if (repeated !== null) return repeated;
  const end = bytes.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES) return null;
  return parseHead(bytes, end);
}

/** Null when it is another head. */
function readRepeated(bytes: Buffer, head: RequestHead): ReadHead | null {
  const { before, after } = head;
  const digitsAt = before.length;
  if (bytes.length <= digitsAt + after.length || !standsAt(bytes, 0, before)) return null;
  let contentLength = 0;
  let index = digitsAt;
  for (; index < digitsAt + MAX_LENGTH_DIGITS; index += 1) {
    const digit = (bytes[index] as number) - ZERO;
    if (digit < 0 || digit > 9) break;
    contentLength = contentLength * 10 + digit;
  }
  const bodyStart = index + after.length;
  if (index === digitsAt || bytes.length < bodyStart || !standsAt(bytes, index, after)) return null;
  return { head, contentLength, bodyStart };
}

/** Some three hundred bytes: half of what `Buffer.compare` takes, most of which is the call (2026-11-30). */
function standsAt(bytes: Buffer, at: number, part: Buffer): boolean {
  const count = part.length;
  for (let index = 0; index < count; index += 1) if (bytes[at + index] !== part[index]) return false;
  return true;
}

interface Fields {
  headers: Record<string, string>;
  rawHeaders: string[];
  /** Of Content-Length, and where in the head it stands; '' before it was found. */
  digits: string;
  digitsAt: number;
}

/** `end`: where the empty line begins that ends the head. */
function parseHead(bytes: Buffer, end: number): ReadHead | null {
  const [requestLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const path = REQUEST_LINE.exec(requestLine)?.[1];
  if (path === undefined || lines.length > MAX_HEADERS) return null;
  const fields: Fields = { headers: {}, rawHeaders: [], digits: '', digitsAt: 0 };
  let offset = requestLine.length + 2;
  for (const line of lines) {
    if (!addField(fields, line, offset)) return null;
    offset += line.length + 2;
  }
  const { headers, rawHeaders, digits, digitsAt } = fields;
  if (digits === '' || headers['host'] === undefined) return null;
  const bodyStart = end + HEAD_END.length;
  // Copies: a piece of the socket's bytes would keep the body with it.
  const before = Buffer.from(bytes.subarray(0, digitsAt));
  const after = Buffer.from(bytes.subarray(digitsAt + digits.length, bodyStart));
  return { head: { path, headers, rawHeaders, before, after }, contentLength: Number(digits), bodyStart };
}

/** False when the line is none that is read here. A folded line begins with white space, which is in no name. */
function addField(fields: Fields, line: string, offset: number): boolean {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const [start, end] = betweenBlanks(line, colon + 1, line.length);
  const value = line.slice(start, end);
  const lower = name.toLowerCase();
  if (!HEADER_NAME.test(name) || NOT_IN_HEADER_VALUES.test(value) || Object.hasOwn(fields.headers, lower) || isNotOurs(lower, value)) return false;
  if (lower === 'content-length') {
    if (fields.digits !== '' || !LENGTH.test(value)) return false;
    fields.digits = value;
    fields.digitsAt = offset + start;
    return true;
  }
  fields.headers[lower] = value;
  fields.rawHeaders.push(name, value);
  return true;
}

function isNotOurs(name: string, value: string): boolean {
  return NOT_OURS.has(name) || (name === 'connection' && value.toLowerCase() !== 'keep-alive');
}
