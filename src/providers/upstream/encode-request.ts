import type { UpstreamRequest } from '../../core/upstream/upstream.js';

/** Up to this size head and body are copied together: one piece is cheaper than two. */
const MAX_JOINED_BYTES = 65_536;
const HEAD_END = '\r\n\r\n';
const NOT_VISIBLE = /[^\x20-\x7e]/;
const NOT_A_PATH = /[^\x21-\x7e]/;
const NO_NAME = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]|^$/;

/** A request as it is written. */
export interface EncodedRequest {
  readonly bytes: string | Uint8Array;
  readonly encoding: 'latin1' | 'utf8';
  /** A body too large to be copied behind its head. */
  readonly rest: Uint8Array | null;
}

/** What a request's head has besides the length of its body: the same for every call with these headers to this address. */
export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly origin: string;
  /** All lines, without the end of the last one. ASCII. */
  readonly text: string;
}

/** Heads of headers that recur; they go with their deployment. */
const HEADS = new WeakMap<object, RequestHead>();

/** Of headers only `host`, `connection` and `content-length` are added to those given. A text is what is wrong with them. */
export function headOf(request: UpstreamRequest): RequestHead | string {
  if (request.headersRecur !== true) return encodeHead(request);
  const known = HEADS.get(request.headers);
  if (known !== undefined && known.url === request.url && known.method === request.method) return known;
  const head = encodeHead(request);
  if (typeof head !== 'string') HEADS.set(request.headers, head);
  return head;
}

function encodeHead({ method, url, headers }: UpstreamRequest): RequestHead | string {
  const hostAt = url.indexOf('://') + 3;
  const pathAt = url.indexOf('/', hostAt);
  const origin = pathAt < 0 ? url : url.slice(0, pathAt);
  const path = pathAt < 0 ? '/' : url.slice(pathAt);
  let lines = '';
  for (const name in headers) {
    const value = headers[name] ?? '';
    // Some servers take 0x80–0xff for line breaks (A25, U+010D). The value is not shown: it may be a key.
    if (NO_NAME.test(name)) return 'the name of a header is no HTTP token';
    if (NOT_VISIBLE.test(value)) return `the header ${name} has characters other than visible ASCII`;
    lines += `\r\n${name}: ${value}`;
  }
  if (NOT_A_PATH.test(path)) return 'the upstream’s address has characters that no URL has';
  return { method, url, origin, text: `${method} ${path} HTTP/1.1\r\nhost: ${origin.slice(hostAt)}\r\nconnection: keep-alive${lines}` };
}

/** What is sent, as few pieces as possible. */
export function encodeRequest({ method, text }: RequestHead, body: UpstreamRequest['body']): EncodedRequest {
  if (body === null) return { bytes: text + (method === 'POST' ? '\r\ncontent-length: 0' : '') + HEAD_END, encoding: 'latin1', rest: null };
  const byteCount = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const head = `${text}\r\ncontent-length: ${byteCount}${HEAD_END}`;
  // Every character that is not ASCII takes more bytes than it has UTF-16 units.
  if (typeof body === 'string') return { bytes: head + body, encoding: byteCount === body.length ? 'latin1' : 'utf8', rest: null };
  if (byteCount > MAX_JOINED_BYTES) return { bytes: head, encoding: 'latin1', rest: body };
  const bytes = Buffer.allocUnsafe(head.length + byteCount);
  bytes.write(head, 0, 'latin1');
  bytes.set(body, head.length);
  return { bytes, encoding: 'latin1', rest: null };
}
