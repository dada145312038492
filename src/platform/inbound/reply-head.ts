import { STATUS_CODES } from 'node:http';
import { JsonBytes, literal, type Literal } from '../../core/json/index.js';
import { HEADER_NAME, NOT_IN_HEADER_VALUES } from './header-grammar.js';
import type { ReplyHeaders } from './inbound.js';

/** What stands before a header's value, by name. Names are words of this program, not of a client's. */
const LINE_STARTS = new Map<string, Literal>();
const MAX_LINE_STARTS = 512;
const STATUS_LINES: Literal[] = [];

/** The names of the head before this one, which mostly has the same in the same order, and their line starts. */
const lastNames: string[] = [];
const lastStarts: Literal[] = [];

/** Heads are written one after the other into the same memory: a string put together from sixty is made of as many objects. */
const out = new JsonBytes();
/** The one whose bytes stand there, until somebody takes them. */
let latest: ReplyHead | null = null;

/** A head that was rendered, to be taken once: as bytes or as text. */
export class ReplyHead {
  private kept = '';
  readonly byteCount = out.length;

  constructor(
    /** The body has no length and is sent in chunks. */
    readonly framed: boolean,
    readonly closes: boolean,
  ) {}

  text(): string {
    if (latest !== this) return this.kept;
    latest = null;
    return out.bytes.toString('latin1', 0, out.length);
  }

  copyTo(memory: Buffer, at: number): void {
    if (latest !== this) return void memory.write(this.kept, at, 'latin1');
    latest = null;
    memory.set(out.bytes.subarray(0, out.length), at);
  }

  /** The next one needs the memory. */
  keep(): void {
    this.kept = this.text();
  }
}

/** `closes`: the connection is to be closed after this answer, unless its headers speak of that themselves. Throws TypeError for what cannot stand in a header. */
export function renderReplyHead(status: number, headers: ReplyHeaders, { closes, keepAliveS }: { closes: boolean; keepAliveS: number }): ReplyHead {
  latest?.keep();
  let place = 0;
  let framed = true;
  let closing: boolean | null = null;
  out.length = 0;
  out.more(statusLine(status));
  for (const name in headers) {
    const value = headers[name] as string;
    out.more(lineStartAt(place, name));
    place += 1;
    if (!out.plain(value)) writeUnusual(name, value);
    if (name === 'content-length') framed = false;
    else if (name === 'connection') closing = value === 'close';
  }
  out.more(dateLine());
  if (closing === null) out.more(closes ? CLOSE : keepAlive(keepAliveS));
  out.more(framed ? CHUNKED_END : END);
  latest = new ReplyHead(framed, closing ?? closes);
  return latest;
}

/** Quotes, backslashes, and what is no ASCII. */
function writeUnusual(name: string, value: string): void {
  if (NOT_IN_HEADER_VALUES.test(value)) throw new TypeError(`The header ${name} cannot have this value: ${JSON.stringify(value)}.`);
  out.reserve(value.length);
  out.length += out.bytes.write(value, out.length, 'latin1');
}

function statusLine(status: number): Literal {
  return (STATUS_LINES[status] ??= literal(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`));
}

function lineStartAt(place: number, name: string): Literal {
  if (lastNames[place] === name) return lastStarts[place] as Literal;
  const start = LINE_STARTS.get(name) ?? lineStart(name);
  if (place < MAX_LINE_STARTS) {
    lastNames[place] = name;
    lastStarts[place] = start;
  }
  return start;
}

function lineStart(name: string): Literal {
  if (!HEADER_NAME.test(name)) throw new TypeError(`A header cannot have the name ${JSON.stringify(name)}.`);
  const start = literal(`\r\n${name}: `);
  if (LINE_STARTS.size < MAX_LINE_STARTS) LINE_STARTS.set(name, start);
  return start;
}

const CLOSE = literal('\r\nConnection: close');
const END = literal('\r\n\r\n');
const CHUNKED_END = literal('\r\nTransfer-Encoding: chunked\r\n\r\n');

let keptS = Number.NaN;
let kept = END;

function keepAlive(seconds: number): Literal {
  if (seconds !== keptS) {
    keptS = seconds;
    kept = literal(`\r\nConnection: keep-alive\r\nKeep-Alive: timeout=${seconds}`);
  }
  return kept;
}

let dateSecond = 0;
let date = END;

/** Of the current second (RFC 9110 section 6.6.1). */
function dateLine(): Literal {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = literal(`\r\nDate: ${new Date(second * 1000).toUTCString()}`);
  }
  return date;
}
