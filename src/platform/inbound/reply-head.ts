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

export interface ReplyHead {
  text: string;
  /** The body has no length and is sent in chunks. */
  framed: boolean;
  closes: boolean;
}

/** Heads are written one after the other into the same memory: a string put together from sixty is made of as many objects. */
const out = new JsonBytes();

/** `closes`: the connection is to be closed after this answer, unless its headers speak of that themselves. Throws TypeError for what cannot stand in a header. */
export function renderReplyHead(status: number, headers: ReplyHeaders, { closes, keepAliveS }: { closes: boolean; keepAliveS: number }): ReplyHead {
  const head = { text: '', framed: true, closes };
  let place = 0;
  let speaksOfConnection = false;
  out.length = 0;
  out.more(statusLine(status));
  for (const name in headers) {
    const value = headers[name] as string;
    out.more(lineStartAt(place, name));
    place += 1;
    if (!out.plain(value)) writeUnusual(name, value);
    if (name === 'content-length') head.framed = false;
    else if (name === 'connection') {
      head.closes = value === 'close';
      speaksOfConnection = true;
    }
  }
  out.more(dateLine());
  if (!speaksOfConnection) out.more(closes ? CLOSE : keepAlive(keepAliveS));
  out.more(head.framed ? CHUNKED_END : END);
  head.text = out.bytes.toString('latin1', 0, out.length);
  return head;
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
