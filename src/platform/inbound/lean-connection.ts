import type { Socket } from 'node:net';
import { NOWHERE, type Placed } from '../../core/collections/roster.js';
import type { InboundMessage, OutboundReply } from './inbound.js';
import { LeanMessage } from './lean-message.js';
import { LeanReply, type ReplyConnection } from './lean-reply.js';
import { readRequestHead, type RequestHead } from './request-head.js';

/** Requests sent ahead of their turn are read so far; then the connection waits. */
const MAX_EARLY_BYTES = 65_536;
/** A body that nobody wants may come for so long after the answer. */
const MAX_DISCARD_MS = 120_000;
/** A connection that says nothing at first is node's, whose patience with it has a measure. */
const MAX_SILENT_START_MS = 1_000;

/** What all connections of a server share. */
export interface LeanHost {
  readonly keepAliveMs: number;
  /** A connection on which nothing moves for so long while a request runs is given up. */
  readonly silenceMs: number;
  readonly draining: boolean;
  serves(path: string): boolean;
  serve(path: string, message: InboundMessage, reply: OutboundReply): void;
  /** Node's own server reads on from here; the pieces that were read already have been given back to the socket. */
  handOver(socket: Socket): void;
  entered(connection: LeanConnection): void;
  left(connection: LeanConnection): void;
  /** One for each request. */
  began(): void;
  ended(): void;
}

/**
 * One client's connection, as long as it sends requests in their plainest form to the paths that are served here. Whatever else comes
 * at the beginning of a request goes to node's own server together with the connection, unread: nothing that needs judgement is
 * judged here. Requests run one at a time.
 */
export class LeanConnection implements Placed, ReplyConnection {
  place = NOWHERE;
  private movedAtMs = performance.now();
  private writtenBytes = 0;
  private lastHead: RequestHead | null = null;
  private message: LeanMessage | null = null;
  private reply: LeanReply | null = null;
  /** What came ahead of its turn. */
  private early: Buffer | null = null;
  private readonly listeners: Record<'data' | 'end' | 'close' | 'error', (piece: Buffer) => void>;

  constructor(
    readonly socket: Socket,
    private readonly host: LeanHost,
  ) {
    this.listeners = {
      data: (piece) => this.take(piece),
      // A client that sends no more has left, as for node's server.
      end: () => this.socket.end(),
      close: () => this.closed(),
      error: () => undefined,
    };
    for (const [event, listener] of Object.entries(this.listeners)) socket.on(event, listener);
    host.entered(this);
  }

  get keepAliveS(): number {
    return this.host.keepAliveMs / 1000;
  }

  get closes(): boolean {
    return this.host.draining;
  }

  /** Nothing runs, and nothing of a request is still to come. */
  get idle(): boolean {
    return this.reply === null && !this.isReading();
  }

  /** From time to time. */
  look(nowMs: number): void {
    if (this.socket.bytesWritten !== this.writtenBytes) {
      this.writtenBytes = this.socket.bytesWritten;
      this.movedAtMs = nowMs;
    }
    const stillMs = nowMs - this.movedAtMs;
    if (this.lastHead === null && this.socket.bytesRead === 0) {
      if (stillMs > MAX_SILENT_START_MS) this.handOver();
    } else if (stillMs > this.patienceMs()) this.socket.destroy();
  }

  answered(closes: boolean): void {
    if (this.reply === null) return;
    this.reply = null;
    this.host.ended();
    if (closes) return this.socket.destroySoon();
    if (this.isReading()) this.message?.discard();
    if (this.early !== null) setImmediate(() => this.goOn());
  }

  private isReading(): boolean {
    return this.message !== null && this.message.missingBytes > 0;
  }

  private patienceMs(): number {
    if (this.reply !== null) return this.host.silenceMs;
    return this.isReading() ? MAX_DISCARD_MS : this.host.keepAliveMs;
  }

  private take(piece: Buffer): void {
    this.movedAtMs = performance.now();
    const rest = this.isReading() ? (this.message as LeanMessage).feed(piece) : piece;
    if (rest === null) return;
    if (this.reply !== null || this.early !== null) this.keep(rest);
    else this.begin(rest);
  }

  private keep(piece: Buffer): void {
    this.early = this.early === null ? piece : Buffer.concat([this.early, piece]);
    if (this.early.length > MAX_EARLY_BYTES) this.socket.pause();
  }

  private goOn(): void {
    const piece = this.early;
    if (piece === null || this.reply !== null || this.isReading() || this.socket.destroyed) return;
    this.early = null;
    this.socket.resume();
    this.begin(piece);
  }

  private begin(piece: Buffer): void {
    const read = this.host.draining ? null : readRequestHead(piece, this.lastHead);
    if (read === null || read.contentLength === 0 || !this.host.serves(read.head.path)) return this.handOver(piece);
    const message = new LeanMessage(this.socket, read.head, read.contentLength);
    const reply = new LeanReply(this);
    this.lastHead = read.head;
    this.message = message;
    this.reply = reply;
    this.host.began();
    // Before it is served: the answer may be complete when `serve` returns.
    this.early = piece.length === read.bodyStart ? null : message.feed(piece.subarray(read.bodyStart));
    this.host.serve(read.head.path, message, reply);
  }

  private handOver(piece?: Buffer): void {
    this.host.left(this);
    for (const [event, listener] of Object.entries(this.listeners)) this.socket.off(event, listener);
    this.socket.pause();
    if (piece !== undefined) this.socket.unshift(piece);
    this.host.handOver(this.socket);
    this.socket.resume();
  }

  private closed(): void {
    this.host.left(this);
    const { message, reply } = this;
    this.message = null;
    this.reply = null;
    this.early = null;
    message?.gone();
    if (reply === null) return;
    reply.closed();
    this.host.ended();
  }
}
