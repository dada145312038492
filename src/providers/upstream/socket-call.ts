import { NOWHERE } from '../../core/collections/roster.js';
import type { Deadline } from '../../core/errors/upstream-failure.js';
import type { TransportFailure, UpstreamCall, UpstreamHandler, UpstreamRequest } from '../../core/upstream/upstream.js';
import { TURN_STAGES, TurnBatch } from '../../platform/turn/index.js';
import { ConnectionLost, type Connection, type ConnectionUser } from './connection.js';
import type { Alarm, DeadlineWheel } from './deadline-wheel.js';
import { encodeRequest, type EncodedRequest, type RequestHead } from './encode-request.js';
import { contentCodings, Inflater, type InflateSink } from './inflate.js';
import type { OriginPool } from './origin-pool.js';
import type { ResponseHead } from './parse-head.js';
import { isClosedByPeer, transportFailure } from './transport-errors.js';

const MAX_INFORMATIONAL = 32;
const MAX_REDIALS = 3;
/** A stale socket shows within a round trip; a connection lost later may have been lost over our request. */
const STALE_WITHIN_MS = 1_000;

export interface CallLimits {
  /** Bytes of one body as they come off the wire. */
  maxBodyBytes: number;
  /** Bytes of one body after decompression. */
  maxInflatedBytes: number;
}

/** What all calls to one origin share. */
export interface CallPlace {
  readonly pool: OriginPool;
  readonly wheel: DeadlineWheel;
  readonly limits: CallLimits;
}

const SWITCHING_PROTOCOLS = 101;

/** Responses that became whole in one turn are read one behind the other. */
const whole = new TurnBatch<SocketCall>(TURN_STAGES.answered, (call) => call.complete());

type Phase = 'connecting' | 'waiting' | 'reading' | 'done';

/** One HTTP exchange over a pooled connection: the connection's user, the caller's handle and the owner of its deadlines in one object. */
export class SocketCall implements UpstreamCall, ConnectionUser, Alarm, InflateSink {
  place = NOWHERE;
  slot = NOWHERE;
  #phase: Phase = 'connecting';
  #connection: Connection | null = null;
  #inflater: Inflater | null = null;
  #answered = false;
  #headersSeen = false;
  #wasReused = false;
  #sentTold = false;
  #paused = false;
  #pausedAtMs = 0;
  #informational = 0;
  #redials = 0;
  #bodyBytes = 0;
  readonly #startedAtMs: number;
  #dialedAtMs: number;
  #sentAtMs = 0;
  #activeAtMs = 0;

  constructor(
    private readonly at: CallPlace,
    private readonly head: RequestHead,
    private readonly request: UpstreamRequest,
    private readonly handler: UpstreamHandler,
  ) {
    this.#startedAtMs = performance.now();
    this.#dialedAtMs = this.#startedAtMs;
  }

  start(): void {
    this.at.pool.acquire();
    this.at.wheel.add(this);
    this.at.pool.dispatch(this, this.#startedAtMs);
  }

  // The caller's handle.

  abort(): void {
    this.#fail({ kind: 'aborted', message: 'the call was aborted', sent: this.#sentTold });
  }

  pause(): void {
    if (this.#paused || this.#phase === 'done') return;
    this.#paused = true;
    this.#pausedAtMs = performance.now();
    this.#connection?.pause();
    this.#inflater?.pause();
  }

  resume(): void {
    if (!this.#paused || this.#phase === 'done') return;
    this.#paused = false;
    const stoodStillMs = performance.now() - this.#pausedAtMs;
    this.#activeAtMs += stoodStillMs;
    this.#sentAtMs += stoodStillMs;
    this.at.wheel.move(this);
    this.#inflater?.resume();
    this.#connection?.resume();
  }

  // Deadlines.

  dueAtMs(): number {
    return Math.min(this.#startedAtMs + this.request.deadlines.totalMs, this.#phaseDueAtMs());
  }

  ring(nowMs: number): void {
    const isTotal = nowMs >= this.#startedAtMs + this.request.deadlines.totalMs;
    const deadline = isTotal ? 'total' : this.#phaseDeadline();
    const connection = this.#connection;
    const isConnecting = this.#phase === 'connecting';
    this.#fail({ kind: 'timeout', deadline, message: `the ${deadline} deadline passed`, sent: this.#sentTold });
    // Otherwise an unreachable host would fill the pool with attempts to connect that nobody waits for.
    if (isConnecting && deadline === 'connect') connection?.destroy(new Error('the connect deadline passed'));
  }

  #phaseDueAtMs(): number {
    const { connectMs, firstByteMs, idleMs } = this.request.deadlines;
    if (this.#phase === 'connecting') return this.#dialedAtMs + connectMs;
    if (this.#paused || this.#phase === 'done') return Infinity;
    return this.#phase === 'waiting' ? this.#sentAtMs + firstByteMs : this.#activeAtMs + idleMs;
  }

  #phaseDeadline(): Deadline {
    if (this.#phase === 'connecting') return 'connect';
    return this.#phase === 'waiting' ? 'first_byte' : 'idle';
  }

  // The connection's user.

  onDialed(connection: Connection): void {
    this.#connection = connection;
  }

  onConnected(connection: Connection, nowMs: number): EncodedRequest {
    this.#connection = connection;
    this.#wasReused = connection.served > 0;
    this.#phase = 'waiting';
    this.#sentAtMs = nowMs;
    this.at.wheel.move(this);
    return encodeRequest(this.head, this.request.body);
  }

  onSent(): void {
    if (this.#sentTold || this.#phase === 'done') return;
    this.#sentTold = true;
    this.handler.onSent?.();
  }

  onAnswering(): void {
    this.#answered = true;
  }

  onHead(head: ResponseHead): void {
    if (this.#phase === 'done') return;
    if (head.status < 200) return this.#informed(head.status);
    this.#headersSeen = true;
    const codings = head.coding === undefined ? [] : contentCodings(head.coding);
    if (codings.length > 0 && !this.#openInflater(codings)) return;
    if (this.#paused) this.#connection?.pause();
    this.handler.onHeaders(head);
  }

  onBody(chunk: Buffer): void {
    if (this.#phase === 'done') return;
    this.#activeAtMs = this.at.wheel.coarseNowMs;
    if (this.#phase === 'waiting') {
      this.#phase = 'reading';
      this.at.wheel.move(this);
    }
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > this.at.limits.maxBodyBytes) return this.#fail(this.#tooLarge());
    if (this.#inflater === null) this.handler.onData(chunk);
    // A decompressor works on when the connection's memory is in use again.
    else this.#inflater.write(Buffer.from(chunk));
  }

  onComplete(): void {
    this.#connection = null;
    if (this.#phase !== 'done') whole.add(this);
  }

  /** The response is whole, and its turn has come. */
  complete(): void {
    if (this.#phase === 'done') return;
    if (this.#inflater === null) this.onEnd();
    else this.#inflater.end();
  }

  onLost(error: Error): void {
    this.#connection = null;
    if (this.#phase === 'done') return;
    if (this.#isStale(error)) return this.#redial();
    this.#fail(transportFailure(error, this.#phase === 'connecting' ? 'connecting' : this.#headersSeen ? 'body' : 'head'));
  }

  /** An upgrade was not asked for: what follows it would be no HTTP. */
  #informed(status: number): void {
    if (status === SWITCHING_PROTOCOLS) return this.#fail(transportFailure(new ConnectionLost(), 'head'));
    if (++this.#informational > MAX_INFORMATIONAL) this.#fail(this.#protocolFailure('too many informational responses'));
  }

  // What comes out of the inflater.

  onData(chunk: Uint8Array): void {
    if (this.#phase !== 'done') this.handler.onData(chunk);
  }

  onEnd(): void {
    if (this.#finish()) this.handler.onEnd();
  }

  onError(message: string): void {
    this.#fail(message === 'too large' ? this.#tooLarge() : this.#protocolFailure(message));
  }

  onFull(): void {
    this.#connection?.pause();
  }

  onDrained(): void {
    if (!this.#paused && this.#phase !== 'done') this.#connection?.resume();
  }

  #openInflater(codings: readonly string[]): boolean {
    const made = Inflater.create(codings, this.at.limits.maxInflatedBytes, this);
    if (typeof made === 'string') {
      this.#fail(this.#protocolFailure(made));
      return false;
    }
    this.#inflater = made;
    if (this.#paused) made.pause();
    return true;
  }

  /**
   * A server may close an idle connection in the moment we write to it. The request goes out again only if the connection had
   * served others before, the peer closed it at once, and not one byte of an answer came (RFC 9110 section 9.2.2, F60).
   */
  #isStale(error: Error): boolean {
    if (this.#answered || !this.#wasReused || this.#redials >= MAX_REDIALS) return false;
    return this.#phase === 'waiting' && isClosedByPeer(error) && performance.now() - this.#sentAtMs < STALE_WITHIN_MS;
  }

  #redial(): void {
    this.#redials++;
    this.#phase = 'connecting';
    this.#dialedAtMs = performance.now();
    this.at.wheel.move(this);
    this.at.pool.dispatch(this, this.#dialedAtMs);
  }

  #fail(failure: TransportFailure): void {
    const connection = this.#connection;
    if (!this.#finish()) return;
    if (connection === null) this.at.pool.withdraw(this);
    else connection.abandon();
    this.#inflater?.destroy();
    this.handler.onFailure(failure);
  }

  /** True for the first caller only. */
  #finish(): boolean {
    if (this.#phase === 'done') return false;
    this.#phase = 'done';
    this.#connection = null;
    this.at.wheel.remove(this);
    this.at.pool.release();
    return true;
  }

  #protocolFailure(message: string): TransportFailure {
    return { kind: 'protocol', message, sent: true };
  }

  #tooLarge(): TransportFailure {
    return { kind: 'too-large', message: 'the response body is too large', sent: true };
  }
}
