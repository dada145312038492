import type { Socket } from 'node:net';
import { AFTERWARDS, TurnBatch } from '../turn/index.js';
import { AnswerMemory } from './answer-memory.js';
import { encodingOf, frameChunk } from './chunk-frame.js';
import type { OutboundReply, ReplyHeaders } from './inbound.js';
import { renderReplyHead, type ReplyHead } from './reply-head.js';

/** What a reply asks of the connection it goes over. */
export interface ReplyConnection {
  readonly socket: Socket;
  readonly keepAliveS: number;
  /** No request is to follow this one. */
  readonly closes: boolean;
  /** All of the answer has left this process. */
  answered(closes: boolean): void;
}

const memory = new AnswerMemory();
/** Whole answers that were given at the same time leave together. */
const leaving = new TurnBatch<LeanReply>(AFTERWARDS, (reply) => reply.leave());

/** The way back over a `LeanConnection`: a whole answer, and every piece of a stream, is one `write` to the socket. */
export class LeanReply implements OutboundReply {
  statusCode = 0;
  finished = false;
  /** Until it leaves. */
  private waitingHead: ReplyHead | null = null;
  private framed = false;
  private closes = false;
  private closedListener: (() => void) | null = null;
  /** A whole answer, until it leaves at the end of the turn. */
  private answer: Buffer | null = null;

  constructor(private readonly connection: ReplyConnection) {}

  get headersSent(): boolean {
    return this.statusCode !== 0;
  }

  get destroyed(): boolean {
    return this.connection.socket.destroyed;
  }

  get waitingBytes(): number {
    return this.connection.socket.writableLength + (this.answer?.length ?? 0);
  }

  head(status: number, headers: ReplyHeaders): void {
    const head = renderReplyHead(status, headers, this.connection);
    this.statusCode = status;
    this.waitingHead = head;
    this.framed = head.framed;
    this.closes = head.closes;
  }

  flushHead(): void {
    if (this.waitingHead !== null) this.connection.socket.write(this.takeHead(), 'latin1');
  }

  write(text: string): boolean {
    return this.send(text, false);
  }

  onceDrained(listener: () => void): void {
    this.connection.socket.once('drain', listener);
  }

  end(body: string | Uint8Array, encoding?: 'latin1' | 'utf8'): void {
    if (typeof body !== 'string') return this.endWithBytes(body);
    if (this.framed || encoding === undefined) this.send(body, true);
    else this.connection.socket.write(this.takeHead() + body, encoding);
    this.left();
  }

  /** Of a whole answer, at the end of the turn. */
  leave(): void {
    const { socket } = this.connection;
    const answer = this.answer as Buffer;
    this.answer = null;
    // That the connection has closed is told by `closed`.
    if (socket.destroyed) return memory.left(false);
    socket.write(answer);
    memory.left(socket.writableLength > 0);
    this.left();
  }

  destroy(): void {
    this.connection.socket.destroy();
  }

  whenClosed(listener: () => void): void {
    this.closedListener = listener;
  }

  /** The connection closed before the answer had left. */
  closed(): void {
    this.closedListener?.();
    this.closedListener = null;
  }

  private takeHead(): string {
    const head = this.waitingHead;
    this.waitingHead = null;
    return head === null ? '' : head.text();
  }

  private send(text: string, isLast: boolean): boolean {
    const bytes = Buffer.byteLength(text);
    const piece = this.takeHead() + (this.framed ? frameChunk(text, bytes, isLast) : text);
    return piece === '' || this.connection.socket.write(piece, encodingOf(text, bytes));
  }

  private endWithBytes(body: Uint8Array): void {
    this.answer = this.framed || this.waitingHead === null ? null : memory.place(this.waitingHead, body);
    if (this.answer !== null) {
      this.waitingHead = null;
      return leaving.add(this);
    }
    this.sendBytes(body);
    this.left();
  }

  private sendBytes(body: Uint8Array): void {
    const { socket } = this.connection;
    socket.cork();
    socket.write(this.takeHead() + (this.framed && body.length > 0 ? `${body.length.toString(16)}\r\n` : ''), 'latin1');
    socket.write(Buffer.from(body));
    if (this.framed) socket.write(body.length > 0 ? `\r\n${frameChunk('', 0, true)}` : frameChunk('', 0, true), 'latin1');
    socket.uncork();
  }

  /** Mostly the kernel takes everything at once. */
  private left(): void {
    const { socket } = this.connection;
    if (socket.writableLength === 0) return this.leftWhole();
    socket.write('', (error) => {
      if (error === null || error === undefined) this.leftWhole();
    });
  }

  private leftWhole(): void {
    this.finished = true;
    this.closedListener = null;
    this.connection.answered(this.closes);
  }
}
