import { STATUS_CODES } from 'node:http';
import type { ReplyHeaders } from './inbound.js';

const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const UNSENDABLE = /[^\t\x20-\x7e\x80-\xff]/;
/** Names that were looked at: they are words of this program, not of a client's. */
const KNOWN_NAMES = new Set<string>();
const MAX_KNOWN_NAMES = 512;

const STATUS_LINES: string[] = [];

export interface ReplyHead {
  text: string;
  /** The body has no length and is sent in chunks. */
  framed: boolean;
  closes: boolean;
}

/** `closes`: the connection is to be closed after this answer, unless its headers speak of that themselves. Throws TypeError for what cannot stand in a header. */
export function renderReplyHead(status: number, headers: ReplyHeaders, { closes, keepAliveS }: { closes: boolean; keepAliveS: number }): ReplyHead {
  const head = { text: statusLine(status), framed: true, closes };
  let connection = closes ? 'Connection: close\r\n' : `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveS}\r\n`;
  for (const name in headers) {
    const value = headers[name] as string;
    requireSendable(name, value);
    if (name === 'content-length') head.framed = false;
    else if (name === 'connection') {
      head.closes = value === 'close';
      connection = '';
    }
    head.text += `${name}: ${value}\r\n`;
  }
  head.text += `Date: ${dateText()}\r\n${connection}`;
  head.text += head.framed ? 'Transfer-Encoding: chunked\r\n\r\n' : '\r\n';
  return head;
}

function statusLine(status: number): string {
  return (STATUS_LINES[status] ??= `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Unknown'}\r\n`);
}

function requireSendable(name: string, value: string): void {
  if (!KNOWN_NAMES.has(name)) {
    if (!NAME.test(name)) throw new TypeError(`A header cannot have the name ${JSON.stringify(name)}.`);
    if (KNOWN_NAMES.size < MAX_KNOWN_NAMES) KNOWN_NAMES.add(name);
  }
  if (UNSENDABLE.test(value)) throw new TypeError(`The header ${name} cannot have this value: ${JSON.stringify(value)}.`);
}

let dateSecond = 0;
let date = '';

/** Of the current second (RFC 9110 section 6.6.1). */
function dateText(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    date = new Date(second * 1000).toUTCString();
  }
  return date;
}
