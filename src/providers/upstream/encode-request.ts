import type { UpstreamRequest } from '../../core/upstream/upstream.js';

/** Up to this size head and body are copied together: one piece is cheaper than two. */
const MAX_JOINED_BYTES = 65_536;
const LINE_END = '\r\n';

/** What is sent, as few pieces as possible. Of headers only `host`, `connection` and `content-length` are added to those given. */
export function encodeRequest(request: UpstreamRequest, host: string, path: string): readonly (string | Uint8Array)[] {
  const { body } = request;
  const head = encodeHead(request, host, path);
  if (body === null || typeof body === 'string') return [`${head}${body ?? ''}`];
  if (body.length > MAX_JOINED_BYTES) return [head, body];
  const bytes = Buffer.allocUnsafe(head.length + body.length);
  bytes.write(head, 0, 'latin1');
  bytes.set(body, head.length);
  return [bytes];
}

function encodeHead({ method, headers, body }: UpstreamRequest, host: string, path: string): string {
  let head = `${method} ${path} HTTP/1.1\r\nhost: ${host}\r\nconnection: keep-alive\r\n`;
  for (const name in headers) head += `${name}: ${headers[name]}${LINE_END}`;
  if (body !== null) head += `content-length: ${typeof body === 'string' ? Buffer.byteLength(body) : body.length}${LINE_END}`;
  else if (method === 'POST') head += `content-length: 0${LINE_END}`;
  return head + LINE_END;
}
