import { STATUS_CODES } from 'node:http';
import { HEADER_NAME, NOT_IN_HEADER_VALUES } from './header-grammar.js';
import type { ReplyHeaders } from './inbound.js';

/** What stands before a header's value, by name. Names are words of this program, not of a client's. */
const LINE_STARTS = new Map<string, string>();
const MAX_LINE_STARTS = 512;
const STATUS_LINES: string[] = [];

export interface ReplyHead {
  text: string;
  /** The body has no length and is sent in chunks. */
  framed: boolean;
  closes: boolean;
}

/** `closes`: the connection is to be closed after this answer, unless its headers speak of that themselves. Throws TypeError for what cannot stand in a header. */
export function renderReplyHead(status: number, headers: ReplyHeaders, { closes, keepAliveS }: { closes: boolean; keepAliveS: number }): ReplyHead {
  const head = { text: '', framed: true, closes };
  let text = statusLine(status);
  let connection = closes ? 'Connection: close' : `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveS}`;
  for (const name in headers) {
    const value = headers[name] as string;
    if (NOT_IN_HEADER_VALUES.test(value)) throw new TypeError(`The header ${name} cannot have this value: ${JSON.stringify(value)}.`);
    if (name === 'content-length') head.framed = false;
    else if (name === 'connection') {
      head.closes = value === 'close';
      connection = '';
    }
    text += LINE_STARTS.get(name) ?? lineStart(name);
    text += value;
  }
  text += dateLine();
  text += connection === '' ? '' : `\r\n${connection}`;
  head.text = text + (head.framed ? '\r\nTransfer-Encoding: chunked\r\n\r\n' : '\r\n\r\n');
  return head;
}

function statusLine(status: number): string {
  return (STATUS_LINES[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}`);
}

function lineStart(name: string): string {
  if (!HEADER_NAME.test(name)) throw new TypeError(`A header cannot have the name ${JSON.stringify(name)}.`);
  const start = `\r\n${name}: `;
  if (LINE_STARTS.size < MAX_LINE_STARTS) LINE_STARTS.set(name, start);
  return start;
}

let dateSecond = 0;
let date = '';

/** Of the current second (RFC 9110 section 6.6.1). */
function dateLine(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = `\r\nDate: ${new Date(second * 1000).toUTCString()}`;
  }
  return date;
}
