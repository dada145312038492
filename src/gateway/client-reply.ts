import type { OutboundReply } from '../platform/inbound/index.js';
import { TURN_STAGES, TurnBatch } from '../platform/turn/index.js';

/** What feeds a stream and can be told to wait. */
export interface Flow {
  pause(): void;
  resume(): void;
}

/** Is told what is handed to the client, and may hold back the last piece until it is done with it. */
export interface ReplyTap {
  head(status: number, headers: Readonly<Record<string, string>>): void;
  piece(bytes: Buffer): void;
  /** Never rejects; bounded in time. */
  ended(): Promise<void>;
}

const NO_FLOW: Flow = { pause: () => undefined, resume: () => undefined };

/** A client that has not taken a byte for so long is given up (spec: client stalls 60 s). */
export const CLIENT_STALL_MS = 60_000;

/** Streams to which something came in the same turn are written together. */
const pieces = new TurnBatch<ClientReply>(TURN_STAGES.streamed, (reply) => reply.flush());

const STREAM_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/event-stream; charset=utf-8',
  // Proxies must neither buffer nor compress an event stream.
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
};

/**
 * The raw answer to one client. Writes of one turn of the event loop leave in one piece; when the client reads slower
 * than the upstream writes, the upstream is paused, so nothing is buffered beyond one turn.
 */
export class ClientReply {
  private pending = '';
  private scheduled = false;
  private blockedAtMs: number | undefined;
  private flow: Flow = NO_FLOW;
  private handedBytes = 0;
  /** Share delivered at the moment the client went: the socket forgets its queue when it closes. */
  private shareAtClose = 0;
  private shareWhenBlocked = 0;
  private goneListener: (() => void) | undefined;
  private finished = false;
  private tap: ReplyTap | undefined;
  private streams = false;
  private awaitsEnd = false;
  /** Set when the connection closed before the answer was complete. */
  gone = false;

  constructor(private readonly raw: OutboundReply) {
    raw.whenClosed(() => this.onClose());
  }

  /** The status line that was sent; undefined before. */
  get status(): number | undefined {
    return this.raw.headersSent ? this.raw.statusCode : undefined;
  }

  get headersSent(): boolean {
    return this.raw.headersSent;
  }

  /** The whole answer has been handed over; its last bytes may still be on their way. */
  get ending(): boolean {
    return this.finished;
  }

  /** Before anything is sent. */
  record(tap: ReplyTap): void {
    this.tap = tap;
  }

  /** Called at most once, when the client went away before its answer was complete. */
  onGone(listener: () => void): void {
    this.goneListener = listener;
    if (this.gone) listener();
  }

  feed(flow: Flow | undefined): void {
    this.flow = flow ?? NO_FLOW;
    if (this.blockedAtMs !== undefined) this.flow.pause();
  }

  /**
   * `headers` are the answer's own from here on: the length, and the type where they name none, are added to them. Bytes are the
   * caller's again when it returns.
   */
  sendJson(status: number, headers: Record<string, string>, body: string | Uint8Array): void {
    if (this.gone || this.raw.headersSent) return;
    this.finished = true;
    const bytes = Buffer.byteLength(body);
    headers['content-type'] ??= 'application/json';
    headers['content-length'] = String(bytes);
    this.raw.head(status, headers);
    this.tap?.head(status, headers);
    // As a string it leaves with the head in one `write`; every character that is not ASCII takes more bytes than it has UTF-16 units.
    this.finish(body, bytes === body.length ? 'latin1' : 'utf8');
  }

  /** An answer that is complete already, event streams included. */
  sendWhole(status: number, headers: Readonly<Record<string, string>>, bytes: Buffer): void {
    if (this.gone || this.raw.headersSent) return;
    this.finished = true;
    const isStream = headers['content-type']?.startsWith('text/event-stream') === true;
    this.raw.head(status, isStream ? headers : { ...headers, 'content-length': String(bytes.length) });
    this.raw.end(bytes);
  }

  startStream(headers: Record<string, string>): void {
    if (this.gone || this.raw.headersSent) return;
    const all = { ...STREAM_HEADERS, ...headers };
    this.raw.head(200, all);
    this.tap?.head(200, all);
    this.streams = true;
    this.flushSoon();
  }

  write(text: string): void {
    if (text === '' || this.gone) return;
    this.pending += text;
    if (!this.scheduled) this.flushSoon();
  }

  /** `end` follows in a moment, once the end is in the journal: what is pending leaves with it, in one write. */
  awaitEnd(): void {
    if (this.scheduled) this.awaitsEnd = true;
  }

  /** Writes what is left and closes the stream properly (the HTTP body ends; whether it ended well is in its frames). */
  end(text: string): void {
    if (this.gone || this.finished) return;
    this.finished = true;
    this.pending += text;
    const rest = this.pending;
    this.pending = '';
    this.handedBytes += rest.length;
    this.finish(rest);
  }

  /** Closes the connection without any more bytes. */
  destroy(): void {
    this.raw.destroy();
  }

  /** Share of what was written that has left this process, 0–1: money is charged for nothing else. */
  deliveredShare(): number {
    if (this.gone) return this.shareAtClose;
    if (this.handedBytes === 0) return 0;
    const waiting = Math.min(this.raw.waitingBytes + this.pending.length, this.handedBytes);
    return (this.handedBytes - waiting) / this.handedBytes;
  }

  get deliveredBytes(): number {
    return Math.round(this.handedBytes * this.deliveredShare());
  }

  isStalled(nowMs: number): boolean {
    return this.blockedAtMs !== undefined && nowMs - this.blockedAtMs > CLIENT_STALL_MS;
  }

  private finish(rest: string | Uint8Array, encoding?: 'latin1' | 'utf8'): void {
    if (this.tap === undefined) return this.raw.end(rest, encoding);
    const own = Buffer.from(rest);
    this.tap.piece(own);
    void this.tap.ended().then(() => this.raw.end(typeof rest === 'string' ? rest : own, encoding));
  }

  private flushSoon(): void {
    this.scheduled = true;
    pieces.add(this);
  }

  /** What was written in this turn of the event loop, the head included. */
  flush(): void {
    if (this.awaitsEnd && !this.finished) {
      // The journal is written at the end of this turn, too: once the next one is over nothing is waited for.
      this.awaitsEnd = false;
      return pieces.add(this);
    }
    this.scheduled = false;
    if (this.gone || this.finished || !this.streams) return;
    const text = this.pending;
    if (text === '') return this.raw.flushHead();
    this.pending = '';
    this.handedBytes += text.length;
    this.tap?.piece(Buffer.from(text));
    if (!this.raw.write(text)) this.block();
  }

  private block(): void {
    if (this.blockedAtMs !== undefined) return;
    this.blockedAtMs = performance.now();
    this.shareWhenBlocked = this.deliveredShare();
    this.raw.onceDrained(() => this.unblock());
    this.flow.pause();
  }

  private unblock(): void {
    if (this.blockedAtMs === undefined) return;
    this.blockedAtMs = undefined;
    this.flow.resume();
  }

  private onClose(): void {
    if (this.gone || this.raw.finished) return;
    this.shareAtClose = this.blockedAtMs === undefined ? Math.min(1, this.handedBytes) : this.shareWhenBlocked;
    this.gone = true;
    this.pending = '';
    // An upstream that was paused for this client must still be told to end.
    this.unblock();
    this.goneListener?.();
    this.goneListener = undefined;
  }
}
