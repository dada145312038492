import { betweenBlanks, unitAt } from '../../core/text/index.js';
import type { UpstreamHead } from '../../core/upstream/upstream.js';

/** Bytes from an upstream that are no HTTP/1 response as RFC 9112 has it. */
export class HttpViolation extends Error {
  constructor(what: string) {
    super(`the response is not valid HTTP: ${what}`);
    this.name = 'HttpViolation';
  }
}

/** How long the body is: a number of bytes, in chunks, or until the connection closes. */
export type BodyLength = number | 'chunked' | 'until-close';

export interface ResponseHead extends UpstreamHead {
  readonly body: BodyLength;
  /** The connection can serve another request after this one. */
  readonly reusable: boolean;
  /** Seconds that the server keeps an idle connection (`keep-alive: timeout=`). */
  readonly idleS: number | undefined;
  /** `content-encoding`. */
  readonly coding: string | undefined;
}

const VERSION = 'HTTP/1.';
const STATUS_AT = VERSION.length + 2;
const COLON = 0x3a;
const SPACE = 0x20;
const CR = 0x0d;
const LF = 0x0a;
const ZERO = 0x30;
const LOWER_CASE = 0x20;
/** So many digits are a safe number. */
const MAX_DIGITS = 15;

const TOKEN = 1;
const CONTROL = 2;
/** What each character may be part of: of a name, or of nothing. A tab is a control character that a value may have. */
const CLASSES = Uint8Array.from({ length: 256 }, (_, code) => {
  if ((code < SPACE && code !== 0x09) || code === 0x7f) return CONTROL;
  return /[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(String.fromCharCode(code)) ? TOKEN : 0;
});

/** `text` is the head in latin1, without the empty line that ends it. Strict: whatever two readers could read in two ways is refused. */
export function parseHead(text: string): ResponseHead {
  return new ScannedHead(text);
}

/**
 * A head that every character of was looked at once. Only what the transport itself goes by is taken out of it; the fields are put
 * together when somebody asks for them, which nobody does for an answer that is well.
 */
class ScannedHead implements ResponseHead {
  readonly status: number;
  readonly body: BodyLength;
  readonly reusable: boolean;
  readonly idleS: number | undefined;
  coding: string | undefined = undefined;
  private length: number | undefined = undefined;
  private transferCoding: string | undefined = undefined;
  private connection: string | undefined = undefined;
  private keepAlive: string | undefined = undefined;
  private readonly fieldsAt: number;
  private fields: Record<string, string> | undefined = undefined;

  constructor(private readonly text: string) {
    const end = lineEnd(text, Math.min(STATUS_AT + 3, text.length), 'its status line');
    const minor = unitAt(text, VERSION.length) - ZERO;
    this.status = statusIn(text, end);
    if (!text.startsWith(VERSION) || (minor !== 0 && minor !== 1) || this.status < 100) throw new HttpViolation('its status line');
    this.fieldsAt = end + 2;
    this.scan();
    this.body = this.bodyLength(minor === 0);
    this.reusable = this.body !== 'until-close' && staysOpen(this.connection, minor === 0);
    this.idleS = this.keepAlive === undefined ? undefined : idleSecondsOf(this.keepAlive);
  }

  get headers(): Readonly<Record<string, string>> {
    return (this.fields ??= fieldsOf(this.text, this.fieldsAt));
  }

  /** A folded line begins with white space, and so has no name. */
  private scan(): void {
    const { text } = this;
    for (let at = this.fieldsAt; at < text.length;) {
      const colon = nameEnd(text, at);
      if (colon === at || unitAt(text, colon) !== COLON) throw new HttpViolation('a header field');
      const end = lineEnd(text, colon + 1, 'a header field');
      this.note(at, colon, end);
      at = end + 2;
    }
  }

  /** The few fields that matter here, told apart by how long their names are. */
  private note(at: number, colon: number, end: number): void {
    const { text } = this;
    switch (colon - at) {
      case 10:
        if (isName(text, at, 'connection')) this.connection = joined(this.connection, text.slice(colon + 1, end));
        else if (isName(text, at, 'keep-alive')) this.keepAlive = joined(this.keepAlive, text.slice(colon + 1, end));
        return;
      case 14:
        if (isName(text, at, 'content-length')) this.noteLength(colon + 1, end);
        return;
      case 16:
        if (isName(text, at, 'content-encoding')) this.coding = joined(this.coding, text.slice(colon + 1, end));
        return;
      case 17:
        if (isName(text, at, 'transfer-encoding')) this.noteTransferCoding(text.slice(colon + 1, end).trim());
        return;
      default:
    }
  }

  private noteTransferCoding(coding: string): void {
    if (this.transferCoding !== undefined) throw new HttpViolation('transfer-encoding twice');
    this.transferCoding = coding;
  }

  private noteLength(from: number, to: number): void {
    if (this.length !== undefined) throw new HttpViolation('content-length twice');
    this.length = numberIn(this.text, from, to);
    if (Number.isNaN(this.length)) throw new HttpViolation('content-length');
  }

  /** RFC 9112 section 6.3, without its leniency: two statements about the length are none. */
  private bodyLength(isOld: boolean): BodyLength {
    const { transferCoding: coding, length } = this;
    if (coding !== undefined && length !== undefined) throw new HttpViolation('content-length beside transfer-encoding');
    if (coding !== undefined) refuseOtherCoding(coding, isOld);
    if (hasNoBody(this.status)) return 0;
    if (coding !== undefined) return 'chunked';
    return length ?? 'until-close';
  }
}

/** NaN or less than 100 when there is none. */
function statusIn(text: string, lineEndAt: number): number {
  const afterStatus = STATUS_AT + 3;
  if (unitAt(text, STATUS_AT - 1) !== SPACE || lineEndAt < afterStatus) return 0;
  if (lineEndAt > afterStatus && unitAt(text, afterStatus) !== SPACE) return 0;
  let status = 0;
  for (let at = STATUS_AT; at < afterStatus; at += 1) {
    const digit = unitAt(text, at) - ZERO;
    if (!(digit >= 0 && digit <= 9)) return 0;
    status = status * 10 + digit;
  }
  return status;
}

/** Of digits with blanks around them; NaN for anything else, and for more digits than a safe number has. */
function numberIn(text: string, from: number, to: number): number {
  const [start, end] = betweenBlanks(text, from, to);
  let number = end > start && end - start <= MAX_DIGITS ? 0 : Number.NaN;
  for (let at = start; at < end; at += 1) {
    const digit = unitAt(text, at) - ZERO;
    number = digit >= 0 && digit <= 9 ? number * 10 + digit : Number.NaN;
  }
  return number;
}

function nameEnd(text: string, from: number): number {
  const { length } = text;
  let at = from;
  while (at < length && CLASSES[unitAt(text, at)] === TOKEN) at += 1;
  return at;
}

/** Where the line ends: at CR LF or with the text. Any other control character is a violation. */
function lineEnd(text: string, from: number, what: string): number {
  const { length } = text;
  let at = from;
  while (at < length && CLASSES[unitAt(text, at)] !== CONTROL) at += 1;
  if (at < length && (unitAt(text, at) !== CR || unitAt(text, at + 1) !== LF)) throw new HttpViolation(what);
  return at;
}

/** Whether this name, known to be as long and a token, stands there in whatever case. */
function isName(text: string, from: number, name: string): boolean {
  for (let at = 0; at < name.length; at += 1) if ((unitAt(text, from + at) | LOWER_CASE) !== unitAt(name, at)) return false;
  return true;
}

function joined(known: string | undefined, value: string): string {
  return known === undefined ? value.trim() : `${known}, ${value.trim()}`;
}

/** Of a head whose fields are known to be valid. */
function fieldsOf(text: string, from: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (let at = from; at < text.length;) {
    const colon = nameEnd(text, at);
    const end = lineEnd(text, colon + 1, 'a header field');
    const name = text.slice(at, colon).toLowerCase();
    if (name !== 'set-cookie') addField(headers, name, text.slice(colon + 1, end));
    at = end + 2;
  }
  return headers;
}

function addField(headers: Record<string, string>, name: string, value: string): void {
  const known = Object.hasOwn(headers, name) ? headers[name] : undefined;
  // Assigned, it would be the object's prototype.
  if (name === '__proto__') Object.defineProperty(headers, name, { value: joined(known, value), enumerable: true, configurable: true, writable: true });
  else headers[name] = joined(known, value);
}

function refuseOtherCoding(coding: string, isOld: boolean): void {
  if (isOld || coding.toLowerCase() !== 'chunked') throw new HttpViolation('transfer-encoding');
}

const hasNoBody = (status: number): boolean => status < 200 || status === 204 || status === 304;

function staysOpen(connection: string | undefined, isOld: boolean): boolean {
  if (connection === undefined) return !isOld;
  const text = connection.toLowerCase();
  if (text === 'keep-alive') return true;
  const words = text.split(/[\s,]+/);
  return isOld ? words.includes('keep-alive') : !words.includes('close');
}

function idleSecondsOf(keepAlive: string): number | undefined {
  const seconds = /(?:^|[\s,;])timeout=(\d{1,6})/i.exec(keepAlive);
  return seconds === null ? undefined : Number(seconds[1]);
}
