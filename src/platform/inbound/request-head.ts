import type { IncomingHttpHeaders } from 'node:http';

/** Longer heads are node's. */
const MAX_HEAD_BYTES = 16_384;
const MAX_HEADERS = 100;
const HEAD_END = '\r\n\r\n';

const REQUEST_LINE = /^POST (\/[\x21-\x7e]*) HTTP\/1\.1$/;
/** Name and value without the white space around it (RFC 9112 section 5); a folded line begins with white space and is no name. */
const HEADER_LINE = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[\t ]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[\t ]*$/;
/** So many digits are a safe number. */
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
  /** The text of the head up to the digits of Content-Length, and from behind them to the last line's end. */
  readonly before: string;
  readonly after: string;
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
  const end = bytes.indexOf(HEAD_END);
  if (end < 0 || end > MAX_HEAD_BYTES) return null;
  const text = bytes.toString('latin1', 0, end + 2);
  const bodyStart = end + HEAD_END.length;
  if (last !== null) {
    const contentLength = repeatedLength(text, last);
    if (contentLength >= 0) return { head: last, contentLength, bodyStart };
  }
  const read = parseHead(text);
  return read === null ? null : { head: read.head, contentLength: read.contentLength, bodyStart };
}

/** The length that a head declares which is otherwise the last one; -1 when it is another head. */
function repeatedLength(text: string, { before, after }: RequestHead): number {
  const digits = text.length - before.length - after.length;
  if (digits < 1 || digits > 10 || !text.startsWith(before) || !text.endsWith(after)) return -1;
  let length = 0;
  for (let index = before.length; index < before.length + digits; index += 1) {
    const digit = text.charCodeAt(index) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length;
}

interface Fields {
  headers: Record<string, string>;
  rawHeaders: string[];
  /** Of Content-Length, and where in the head it stands; '' before it was found. */
  digits: string;
  digitsAt: number;
}

/** `text`: the head with the end of its last line. */
function parseHead(text: string): { head: RequestHead; contentLength: number } | null {
  const [requestLine = '', ...lines] = text.slice(0, -2).split('\r\n');
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
  const head = { path, headers, rawHeaders, before: text.slice(0, digitsAt), after: text.slice(digitsAt + digits.length) };
  return { head, contentLength: Number(digits) };
}

/** False when the line is none that is read here. */
function addField(fields: Fields, line: string, offset: number): boolean {
  const parts = HEADER_LINE.exec(line);
  if (parts === null) return false;
  const [, name, value] = parts as unknown as [string, string, string];
  const lower = name.toLowerCase();
  if (Object.hasOwn(fields.headers, lower) || isNotOurs(lower, value)) return false;
  if (lower === 'content-length') {
    if (fields.digits !== '' || !LENGTH.test(value)) return false;
    fields.digits = value;
    fields.digitsAt = offset + line.indexOf(value, name.length + 1);
    return true;
  }
  fields.headers[lower] = value;
  fields.rawHeaders.push(name, value);
  return true;
}

function isNotOurs(name: string, value: string): boolean {
  return NOT_OURS.has(name) || (name === 'connection' && value.toLowerCase() !== 'keep-alive');
}
