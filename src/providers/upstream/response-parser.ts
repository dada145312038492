import { ChunkDecoder } from './chunk-decoder.js';
import { HttpViolation, parseHead, type ResponseHead } from './parse-head.js';

/** Receives one response. Any of these may call `stop`: then nothing more is said. */
export interface ResponseSink {
  /** Also for each informational response (status 100–199), which says nothing else. */
  onHead(head: ResponseHead): void;
  /** Part of the body. The bytes are valid during the call only, and may be overwritten by it. */
  onBody(bytes: Buffer): void;
  /** The response is whole. `excess`: bytes came behind it that nobody asked for. */
  onComplete(excess: boolean): void;
}

export const MAX_HEAD_BYTES = 16_384;
const PREFIX = Buffer.from('HTTP/1.');
const HEAD_END = '\r\n\r\n';
const NO_BYTES = Buffer.alloc(0);

type State = 'head' | 'length' | 'chunked' | 'until-close' | 'done';

/**
 * One HTTP/1 response out of bytes cut anywhere: head, informational responses before it, body by its length, by chunks or to
 * the end of the connection. What arrives in one piece is told in one piece, however many chunks it was framed in.
 */
export class ResponseParser {
  private state: State = 'head';
  private held: Buffer = NO_BYTES;
  private rest = 0;
  private chunks: ChunkDecoder | undefined;

  constructor(private readonly sink: ResponseSink) {}

  /** Overwrites the bytes it is given. Throws HttpViolation. */
  push(bytes: Buffer): void {
    let at = 0;
    while (this.state === 'head') {
      at = this.head(at === 0 ? bytes : bytes.subarray(at), at);
      if (at < 0) return;
    }
    if (at < bytes.length || this.state === 'length') this.body(at === 0 ? bytes : bytes.subarray(at));
  }

  /** The connection ended: true when that is a proper end (the response is told whole), false when it was cut off. */
  close(): boolean {
    if (this.state !== 'until-close') return this.state === 'done';
    this.complete(false);
    return true;
  }

  /** Nobody listens any more. */
  stop(): void {
    this.state = 'done';
  }

  /** Where the body begins in the caller's bytes; -1 while the head is not whole. */
  private head(bytes: Buffer, offset: number): number {
    const before = this.held.length;
    const all = before === 0 ? bytes : Buffer.concat([this.held, bytes]);
    if (!beginsLikeHttp(all)) throw new HttpViolation('its status line');
    const end = all.indexOf(HEAD_END, Math.max(0, before - 3));
    if (end > MAX_HEAD_BYTES || (end === -1 && all.length > MAX_HEAD_BYTES)) throw new HttpViolation('its head is too large');
    if (end === -1) {
      this.held = before === 0 ? Buffer.from(bytes) : all;
      return -1;
    }
    this.held = NO_BYTES;
    const head = parseHead(all.toString('latin1', 0, end));
    // Set before it is told, so that a listener's `stop` holds.
    if (head.status >= 200) this.begin(head);
    this.sink.onHead(head);
    return offset + end + HEAD_END.length - before;
  }

  private begin({ body }: ResponseHead): void {
    if (typeof body === 'number') {
      this.state = 'length';
      this.rest = body;
    } else {
      this.state = body;
      if (body === 'chunked') this.chunks = new ChunkDecoder();
    }
  }

  private body(bytes: Buffer): void {
    switch (this.state) {
      case 'length':
        return this.counted(bytes);
      case 'chunked':
        return this.chunked(bytes);
      case 'until-close':
        return this.sink.onBody(bytes);
      default:
    }
  }

  private counted(bytes: Buffer): void {
    const excess = bytes.length > this.rest;
    const part = excess ? bytes.subarray(0, this.rest) : bytes;
    this.rest -= part.length;
    if (part.length > 0) this.sink.onBody(part);
    if (this.rest === 0) this.complete(excess);
  }

  private chunked(bytes: Buffer): void {
    const chunks = this.chunks as ChunkDecoder;
    const part = chunks.decode(bytes);
    if (part.length > 0) this.sink.onBody(part);
    if (this.state === 'done') return;
    if (chunks.violation !== null) throw new HttpViolation(chunks.violation);
    if (chunks.done) this.complete(chunks.excess);
  }

  private complete(excess: boolean): void {
    if (this.state === 'done') return;
    this.state = 'done';
    this.sink.onComplete(excess);
  }
}

/** As far as it has come. */
function beginsLikeHttp(bytes: Buffer): boolean {
  const count = Math.min(PREFIX.length, bytes.length);
  for (let at = 0; at < count; at += 1) if (bytes[at] !== PREFIX[at]) return false;
  return true;
}
