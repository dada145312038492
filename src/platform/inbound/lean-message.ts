import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { BodySink, InboundMessage } from './inbound.js';
import type { RequestHead } from './request-head.js';

/** A client that sends its body before anybody wants it is read so far; then its connection waits. */
const MAX_UNREAD_BYTES = 262_144;

/** A request that `LeanConnection` read. */
export class LeanMessage implements InboundMessage {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** Of the body, not there yet. */
  missingBytes: number;
  private unread: Buffer[] | null = [];
  private unreadBytes = 0;
  private sink: BodySink | null = null;

  constructor(
    readonly socket: Socket,
    { headers, rawHeaders }: RequestHead,
    readonly contentLength: number,
  ) {
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.missingBytes = contentLength;
  }

  takeWhole(): Buffer | null {
    const { unread } = this;
    if (this.missingBytes > 0 || unread?.length !== 1) return null;
    this.unread = null;
    return unread[0] as Buffer;
  }

  read(sink: BodySink): void {
    const unread = this.unread ?? [];
    this.unread = null;
    this.sink = sink;
    this.socket.resume();
    for (const chunk of unread) sink.take(chunk);
    if (this.missingBytes === 0) this.end();
  }

  discard(): void {
    this.sink = null;
    this.unread = null;
    this.socket.resume();
  }

  /** Takes its part of what came over the connection; what is left over belongs to the next request. Null when nothing is. */
  feed(piece: Buffer): Buffer | null {
    const mine = piece.length <= this.missingBytes ? piece : piece.subarray(0, this.missingBytes);
    this.missingBytes -= mine.length;
    this.keep(mine);
    if (this.missingBytes === 0) this.end();
    return mine.length === piece.length ? null : piece.subarray(mine.length);
  }

  /** The connection closed. */
  gone(): void {
    const { sink } = this;
    this.sink = null;
    this.unread = null;
    sink?.gone();
  }

  private keep(chunk: Buffer): void {
    if (this.sink !== null) return this.sink.take(chunk);
    if (this.unread === null) return;
    this.unread.push(chunk);
    this.unreadBytes += chunk.length;
    if (this.unreadBytes > MAX_UNREAD_BYTES && this.missingBytes > 0) this.socket.pause();
  }

  private end(): void {
    const { sink } = this;
    this.sink = null;
    sink?.end();
  }
}
