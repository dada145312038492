import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { encodingOf, frameChunk } from './chunk-frame.js';
import type { BodySink, InboundMessage, OutboundReply, ReplyHeaders } from './inbound.js';

/** A request that node's own server read. */
export class NodeMessage implements InboundMessage {
  constructor(private readonly raw: IncomingMessage) {}

  get headers(): IncomingHttpHeaders {
    return this.raw.headers;
  }

  get rawHeaders(): readonly string[] {
    return this.raw.rawHeaders;
  }

  get contentLength(): number {
    return Number(this.raw.headers['content-length'] ?? Number.NaN);
  }

  get socket(): Socket {
    return this.raw.socket;
  }

  takeWhole(): null {
    return null;
  }

  read(sink: BodySink): void {
    this.raw.on('data', (chunk: Buffer) => sink.take(chunk));
    this.raw.on('end', () => sink.end());
    // Also after an error, which node tells only to those who listen for it.
    this.raw.on('close', () => sink.gone());
  }

  discard(): void {
    this.raw.resume();
  }
}

/**
 * The way back through node's own server. Streams are written with chunk frames of our own: a head and its first events, and every
 * later piece, are one string and one `write` to the socket, where node's framing makes three pieces of each and gathers them
 * (`writev`; a third of the CPU of a slow stream, 2026-11-29). Everything else stays node's: whose turn it is on a pipelined
 * connection, keep-alive, the end. A client of HTTP/1.0 gets no frames, as node decides.
 */
export class NodeReply implements OutboundReply {
  private framed = false;
  private headLeft = false;

  constructor(private readonly raw: ServerResponse) {}

  get headersSent(): boolean {
    return this.raw.headersSent;
  }

  get statusCode(): number {
    return this.raw.statusCode;
  }

  get destroyed(): boolean {
    return this.raw.destroyed;
  }

  get finished(): boolean {
    return this.raw.writableFinished;
  }

  get waitingBytes(): number {
    return this.raw.writableLength;
  }

  head(status: number, headers: ReplyHeaders): void {
    this.raw.writeHead(status, headers);
    // From here on node knows whether the body is chunked.
    this.framed = this.raw.chunkedEncoding;
    this.raw.chunkedEncoding = false;
  }

  flushHead(): void {
    if (this.headLeft) return;
    this.headLeft = true;
    this.raw.flushHeaders();
  }

  write(text: string): boolean {
    return this.send(text, false);
  }

  /** A response that waits for its turn on its connection says so itself. */
  onceDrained(listener: () => void): void {
    (this.raw.socket ?? this.raw).once('drain', listener);
  }

  end(body: string | Uint8Array, encoding: 'latin1' | 'utf8' = 'utf8'): void {
    if (this.framed && typeof body === 'string') {
      this.send(body, true);
      this.raw.end();
      return;
    }
    this.raw.chunkedEncoding = this.framed;
    this.raw.end(typeof body === 'string' ? body : Buffer.from(body), encoding);
  }

  destroy(): void {
    this.raw.destroy();
  }

  whenClosed(listener: () => void): void {
    const heard = (): void => {
      if (!this.raw.writableFinished) listener();
    };
    this.raw.on('close', heard);
    this.raw.on('error', heard);
  }

  private send(text: string, isLast: boolean): boolean {
    const bytes = Buffer.byteLength(text);
    const encoding = encodingOf(text, bytes);
    const piece = this.framed ? frameChunk(text, bytes, isLast) : text;
    const { socket } = this.raw;
    if (this.headLeft && socket !== null) return socket.write(piece, encoding);
    this.headLeft = true;
    return this.raw.write(piece, encoding);
  }
}
