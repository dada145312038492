/** Bytes from an upstream that are no HTTP/1 response as RFC 9112 has it. */
export class HttpViolation extends Error {
  constructor(what: string) {
    super(`the response is not valid HTTP: ${what}`);
    this.name = 'HttpViolation';
  }
}

/** How long the body is: a number of bytes, in chunks, or until the connection closes. */
export type BodyLength = number | 'chunked' | 'until-close';

export interface ResponseHead {
  status: number;
  /** By lower-case name; repeated fields are joined by a comma. Cookies are nobody's business here. */
  headers: Record<string, string>;
  body: BodyLength;
  /** The connection can serve another request after this one. */
  reusable: boolean;
  /** Seconds that the server keeps an idle connection (`keep-alive: timeout=`). */
  idleS: number | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f]/;
const DIGITS = /^\d{1,15}$/;
const COLON = 0x3a;

/** `text` is the head in latin1, without the empty line that ends it. Strict: whatever two readers could read in two ways is refused. */
export function parseHead(text: string): ResponseHead {
  const lineEnd = text.indexOf('\r\n');
  const line = lineEnd === -1 ? text : text.slice(0, lineEnd);
  const match = STATUS_LINE.exec(line);
  if (match === null || CONTROL.test(line)) throw new HttpViolation('its status line');
  const headers = lineEnd === -1 ? {} : parseFields(text, lineEnd + 2);
  const isOld = match[1] === '0';
  const status = Number(match[2]);
  const body = bodyLengthOf(status, headers, isOld);
  return { status, headers, body, reusable: body !== 'until-close' && staysOpen(headers['connection'], isOld), idleS: idleSecondsOf(headers['keep-alive']) };
}

function parseFields(text: string, from: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = from; at < text.length;) {
    const found = text.indexOf('\r\n', at);
    const end = found === -1 ? text.length : found;
    addField(headers, text.slice(at, end));
    at = end + 2;
  }
  return headers;
}

/** A folded line begins with white space, and so has no name. */
function addField(headers: Record<string, string>, line: string): void {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon)).toLowerCase();
  if (line.charCodeAt(colon) !== COLON || !TOKEN.test(name) || CONTROL.test(line)) throw new HttpViolation('a header field');
  if (name === 'set-cookie') return;
  const value = line.slice(colon + 1).trim();
  const known = Object.hasOwn(headers, name) ? headers[name] : undefined;
  if (known === undefined) {
    if (name === '__proto__') Object.defineProperty(headers, name, { value, enumerable: true, configurable: true, writable: true });
    else headers[name] = value;
    return;
  }
  if (name === 'content-length' || name === 'transfer-encoding') throw new HttpViolation(`${name} twice`);
  headers[name] = `${known}, ${value}`;
}

/** RFC 9112 section 6.3, without its leniency: two statements about the length are none. */
function bodyLengthOf(status: number, headers: Readonly<Record<string, string>>, isOld: boolean): BodyLength {
  const coding = headers['transfer-encoding'];
  const length = headers['content-length'];
  if (coding !== undefined && length !== undefined) throw new HttpViolation('content-length beside transfer-encoding');
  if (coding !== undefined) refuseOtherCoding(coding, isOld);
  if (length !== undefined && !DIGITS.test(length)) throw new HttpViolation('content-length');
  if (hasNoBody(status)) return 0;
  if (coding !== undefined) return 'chunked';
  return length === undefined ? 'until-close' : Number(length);
}

function refuseOtherCoding(coding: string, isOld: boolean): void {
  if (isOld || coding.toLowerCase() !== 'chunked') throw new HttpViolation('transfer-encoding');
}

const hasNoBody = (status: number): boolean => status < 200 || status === 204 || status === 304;

function staysOpen(connection: string | undefined, isOld: boolean): boolean {
  if (connection === undefined) return !isOld;
  const words = connection.toLowerCase().split(/[\s,]+/);
  return isOld ? words.includes('keep-alive') : !words.includes('close');
}

function idleSecondsOf(keepAlive: string | undefined): number | undefined {
  const seconds = keepAlive === undefined ? null : /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(keepAlive);
  return seconds === null ? undefined : Number(seconds[1]);
}
