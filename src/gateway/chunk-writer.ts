import type { ServerResponse } from 'node:http';

const LAST_CHUNK = '0\r\n\r\n';

/**
 * The body of a streamed answer, written with chunk frames of our own: a head and its first events, and every later piece,
 * are one string and one `write` to the socket, where node's own framing makes three pieces of each and gathers them
 * (`writev`; a third of the CPU of a slow stream, 2026-11-29). Everything else stays node's: whose turn it is on a
 * pipelined connection, keep-alive, the end. A client of HTTP/1.0 gets no frames, as node decides.
 */
export class ChunkWriter {
  private readonly framed: boolean;
  private headSent = false;

  /** After `writeHead`: from then on node knows whether the body is chunked. */
  constructor(private readonly raw: ServerResponse) {
    this.framed = raw.chunkedEncoding;
    raw.chunkedEncoding = false;
  }

  /** The head by itself, when nothing was written in its turn of the event loop. */
  flushHead(): void {
    if (this.headSent) return;
    this.headSent = true;
    this.raw.flushHeaders();
  }

  /** False when the client does not keep up. */
  write(text: string): boolean {
    return this.send(text, '');
  }

  /** Once the client has taken what waits. A response that waits for its turn on its connection says so itself. */
  onceDrained(listener: () => void): void {
    (this.raw.socket ?? this.raw).once('drain', listener);
  }

  end(text: string): void {
    if (this.framed || text !== '') this.send(text, this.framed ? LAST_CHUNK : '');
    this.raw.end();
  }

  private send(text: string, after: string): boolean {
    const bytes = Buffer.byteLength(text);
    // Every character that is not ASCII takes more bytes in UTF-8 than it has UTF-16 units.
    const encoding = bytes === text.length ? 'latin1' : 'utf8';
    const piece = !this.framed ? text : bytes === 0 ? after : `${bytes.toString(16)}\r\n${text}\r\n${after}`;
    const { socket } = this.raw;
    if (this.headSent && socket !== null) return socket.write(piece, encoding);
    this.headSent = true;
    return this.raw.write(piece, encoding);
  }
}
