import type { Socket } from 'node:net';
import { AFTERWARDS, TurnBatch } from '../../platform/turn/index.js';
import type { Connector } from './connector.js';
import type { EncodedRequest } from './encode-request.js';
import type { ResponseHead } from './parse-head.js';
import { ResponseParser, type ResponseSink } from './response-parser.js';
import { CLOSED } from './transport-errors.js';

/** Above what servers keep idle sockets open for is pointless; a shorter `keep-alive: timeout=` is honoured. */
const IDLE_SOCKET_MS = 15_000;
const IDLE_SOCKET_MAX_MS = 60_000;
/** The server may begin to close while our next request is on its way. */
const IDLE_MARGIN_MS = 2_000;
const READ_BYTES = 65_536;

/** All sockets read into the same memory: what is read is used up before the next one reads. A waiting stream holds no buffer. */
const READ_BUFFER = Buffer.allocUnsafeSlow(READ_BYTES);

/** Requests that became ready together are sent together. */
const leaving = new TurnBatch<Connection>(AFTERWARDS, (connection) => connection.send());

/** Closed or reset before the response was whole. */
export class ConnectionLost extends Error {
  readonly code: string = CLOSED;

  constructor() {
    super('the connection was closed');
  }
}

/** What a connection serves: one request and its response. */
export interface ConnectionUser {
  /** It has been given this connection, which is being made. */
  onDialed(connection: Connection): void;
  /** The connection is there: the request's bytes. */
  onConnected(connection: Connection, nowMs: number): EncodedRequest;
  /** Those bytes are on their way. */
  onSent(): void;
  /** The first bytes of an answer, whatever they are. */
  onAnswering(): void;
  onHead(head: ResponseHead): void;
  /** Valid during the call only. */
  onBody(bytes: Buffer): void;
  onComplete(): void;
  /** Instead of `onComplete`. */
  onLost(error: Error): void;
}

/** Whose connections these are. */
export interface ConnectionOwner {
  /** It can serve another request. */
  onFree(connection: Connection): void;
  onClosed(connection: Connection): void;
}

/** One keep-alive connection: at most one request at a time, its response read by a parser of its own. */
export class Connection implements ResponseSink {
  /** Responses completed: more than 0 means that it is reused. */
  served = 0;
  idleUntilMs = 0;
  #user: ConnectionUser | null = null;
  #attempt: ReturnType<Connector> | null = null;
  #socket: Socket | null = null;
  #parser: ResponseParser | null = null;
  /** Until it is sent. */
  #request: EncodedRequest | null = null;
  #heard = false;
  #reusable = false;
  #idleS: number | undefined;
  #paused = false;
  #closed = false;

  constructor(private readonly owner: ConnectionOwner) {}

  open(connect: Connector, user: ConnectionUser): void {
    this.#user = user;
    user.onDialed(this);
    const onread = { buffer: READ_BUFFER, callback: (count: number, buffer: Uint8Array) => this.#read((buffer as Buffer).subarray(0, count)) };
    this.#attempt = connect({
      onread,
      onOpen: (socket) => this.#opened(socket),
      onFailure: (error) => this.#lost(error),
    });
  }

  serve(user: ConnectionUser, nowMs: number): void {
    this.#user = user;
    this.#heard = false;
    this.#parser = new ResponseParser(this);
    this.#request = user.onConnected(this, nowMs);
    leaving.add(this);
  }

  /** At the end of the turn in which it was given its user. */
  send(): void {
    const request = this.#request;
    this.#request = null;
    if (request === null || this.#user === null) return;
    const socket = this.#socket as Socket;
    if (request.rest === null) socket.write(request.bytes, request.encoding);
    else {
      socket.cork();
      socket.write(request.bytes, request.encoding);
      socket.write(request.rest);
      socket.uncork();
    }
    this.#user.onSent();
  }

  pause(): void {
    this.#paused = true;
    this.#socket?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.#socket?.resume();
  }

  /** The user leaves: a response that is under way cannot be passed over, so that the connection ends with it. */
  abandon(): void {
    this.#user = null;
    this.#parser?.stop();
    if (this.#socket !== null) this.destroy();
  }

  /** `error`: for a connection that was not made in time. */
  destroy(error?: Error): void {
    this.#attempt?.destroy(error ?? new ConnectionLost());
    this.#lost(error ?? new ConnectionLost());
  }

  onHead(head: ResponseHead): void {
    this.#reusable = head.reusable;
    this.#idleS = head.idleS;
    this.#user?.onHead(head);
  }

  onBody(bytes: Buffer): void {
    this.#user?.onBody(bytes);
  }

  onComplete(excess: boolean): void {
    const user = this.#user;
    const socket = this.#socket as Socket;
    this.#user = null;
    // A server that answers before it has read the request would take its rest for the next one.
    if (!this.#reusable || excess || this.#closed || socket.writableLength > 0 || socket.readableEnded) this.destroy();
    else {
      this.served += 1;
      this.#rest();
    }
    user?.onComplete();
  }

  #rest(): void {
    const keptMs = this.#idleS === undefined ? IDLE_SOCKET_MS : Math.min(IDLE_SOCKET_MAX_MS, this.#idleS * 1_000 - IDLE_MARGIN_MS);
    if (keptMs <= 0) return this.destroy();
    this.idleUntilMs = performance.now() + keptMs;
    // Also a socket that flows anyway asks the system for it.
    if (this.#paused) this.resume();
    this.owner.onFree(this);
  }

  #opened(socket: Socket): void {
    if (this.#closed) return void socket.destroy();
    this.#socket = socket;
    // A call keeps the process running by its deadline, an idle connection does not.
    socket.unref();
    // Only a tunnel's socket emits `data`; the others read into the shared memory.
    socket.on('data', (bytes: Buffer) => this.#read(bytes));
    socket.on('error', (error) => this.#lost(error));
    socket.on('end', () => this.#ended());
    socket.on('close', () => this.#lost(new ConnectionLost()));
    const user = this.#user;
    // Nobody waits for it any more: the next one may.
    if (user === null) this.#rest();
    else this.serve(user, performance.now());
  }

  #read(bytes: Buffer): boolean {
    const user = this.#user;
    if (user === null) {
      // Bytes that nobody asked for: whatever they are, they must not become the answer to the next request.
      this.destroy();
      return false;
    }
    if (!this.#heard) {
      this.#heard = true;
      user.onAnswering();
    }
    try {
      this.#parser?.push(bytes);
    } catch (error) {
      this.#fail(error as Error);
    }
    return true;
  }

  #ended(): void {
    if (this.#parser?.close() !== true) this.#lost(new ConnectionLost());
    else this.destroy();
  }

  #fail(error: Error): void {
    this.#parser?.stop();
    this.destroy(error);
  }

  #lost(error: Error): void {
    if (this.#closed) return;
    this.#closed = true;
    const user = this.#user;
    this.#user = null;
    this.#socket?.destroy();
    this.owner.onClosed(this);
    user?.onLost(error);
  }
}
