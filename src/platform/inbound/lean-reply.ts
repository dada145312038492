import type { Socket } from 'node:net';
import { encodingOf, frameChunk } from './chunk-frame.js';
import type { OutboundReply, ReplyHeaders } from './inbound.js';
import { renderReplyHead } from './reply-head.js';

/** What a reply asks of the connection it goes over. */
export interface ReplyConnection {
  readonly socket: Socket;
  readonly keepAliveS: number;
  /** No request is to follow this one. */
  readonly closes: boolean;
  /** All of the answer has left this process. */
  answered(closes: boolean): void;
}

/** Longer answers are written in two pieces. */
const GATHERED_BYTES = 65_536;
let gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);

/** The way back over a `LeanConnection`: a whole answer, and every piece of a stream, is one `write` to the socket. */
export class LeanReply implements OutboundReply {
  statusCode = 0;
  finished = false;
  private headText = '';
  private framed = false;
  private closes = false;
  private closedListener: (() => void) | null = null;

  constructor(private readonly connection: ReplyConnection) {}

  get headersSent(): boolean {
    return this.statusCode !== 0;
  }

  get destroyed(): boolean {
    return this.connection.socket.destroyed;
  }

  get waitingBytes(): number {
    return this.connection.socket.writableLength;
  }

  head(status: number, headers: ReplyHeaders): void {
    const head = renderReplyHead(status, headers, this.connection);
    this.statusCode = status;
    this.headText = head.text;
    this.framed = head.framed;
    this.closes = head.closes;
  }

  flushHead(): void {
    if (this.headText !== '') this.connection.socket.write(this.takeHead(), 'latin1');
  }

  write(text: string): boolean {
    return this.send(text, false);
  }

  onceDrained(listener: () => void): void {
    this.connection.socket.once('drain', listener);
  }

  end(body: string | Uint8Array, encoding?: 'latin1' | 'utf8'): void {
    if (typeof body !== 'string') this.sendBytes(body);
    else if (this.framed || encoding === undefined) this.send(body, true);
    else this.connection.socket.write(this.takeHead() + body, encoding);
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
    const head = this.headText;
    this.headText = '';
    return head;
  }

  private send(text: string, isLast: boolean): boolean {
    const bytes = Buffer.byteLength(text);
    const piece = this.takeHead() + (this.framed ? frameChunk(text, bytes, isLast) : text);
    return piece === '' || this.connection.socket.write(piece, encodingOf(text, bytes));
  }

  private sendBytes(body: Uint8Array): void {
    const { socket } = this.connection;
    if (!this.framed && this.headText.length + body.length <= gathered.length) return this.gather(body);
    socket.cork();
    socket.write(this.takeHead() + (this.framed && body.length > 0 ? `${body.length.toString(16)}\r\n` : ''), 'latin1');
    socket.write(Buffer.from(body));
    if (this.framed) socket.write(body.length > 0 ? `\r\n${frameChunk('', 0, true)}` : frameChunk('', 0, true), 'latin1');
    socket.uncork();
  }

  /** Head and body in one piece, for which no string is made and flattened. What the kernel did not take at once keeps the memory. */
  private gather(body: Uint8Array): void {
    const { socket } = this.connection;
    const headBytes = gathered.write(this.takeHead(), 'latin1');
    gathered.set(body, headBytes);
    socket.write(gathered.subarray(0, headBytes + body.length));
    if (socket.writableLength > 0) gathered = Buffer.allocUnsafeSlow(GATHERED_BYTES);
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
