import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import type { Deadline } from '../../core/errors/upstream-failure.js';
import type { TransportFailure, UpstreamCall, UpstreamHandler, UpstreamRequest } from '../../core/upstream/upstream.js';
import type { Alarm, DeadlineWheel } from './deadline-wheel.js';
import { contentCodings, Inflater, type InflateSink } from './inflate.js';
import type { Line, LineHandler, OriginPool } from './origin-pool.js';
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

/** Thrown into undici to make it forget a request that nobody waits for any more, without closing the connection. */
const FORGOTTEN = Object.assign(new Error('nobody waits for this call any more'), { code: 'UND_ERR_ABORTED' });

type Phase = 'connecting' | 'waiting' | 'reading' | 'done';

/** One HTTP exchange over a pooled connection: undici's handler, the caller's handle and the owner of its deadlines in one object. */
export class SocketCall implements UpstreamCall, LineHandler, Alarm, InflateSink {
  line: Line | null = null;
  #phase: Phase = 'connecting';
  #controller: Dispatcher.DispatchController | null = null;
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
    private readonly pool: OriginPool,
    private readonly wheel: DeadlineWheel,
    private readonly request: UpstreamRequest & { path: string; limits: CallLimits },
    private readonly handler: UpstreamHandler,
  ) {
    this.#startedAtMs = performance.now();
    this.#dialedAtMs = this.#startedAtMs;
  }

  start(): void {
    this.pool.acquire();
    this.wheel.add(this);
    this.#dispatch();
  }

  // The caller's handle.

  abort(): void {
    this.#fail({ kind: 'aborted', message: 'the call was aborted', sent: this.#sentTold });
  }

  pause(): void {
    if (this.#paused || this.#phase === 'done') return;
    this.#paused = true;
    this.#pausedAtMs = performance.now();
    this.#controller?.pause();
    this.#inflater?.pause();
  }

  resume(): void {
    if (!this.#paused || this.#phase === 'done') return;
    this.#paused = false;
    const stoodStillMs = performance.now() - this.#pausedAtMs;
    this.#activeAtMs += stoodStillMs;
    this.#sentAtMs += stoodStillMs;
    this.wheel.move(this);
    this.#inflater?.resume();
    this.#controller?.resume();
  }

  // Deadlines.

  dueAtMs(): number {
    return Math.min(this.#startedAtMs + this.request.deadlines.totalMs, this.#phaseDueAtMs());
  }

  ring(nowMs: number): void {
    const isTotal = nowMs >= this.#startedAtMs + this.request.deadlines.totalMs;
    const deadline = isTotal ? 'total' : this.#phaseDeadline();
    const line = this.line;
    this.#fail({ kind: 'timeout', deadline, message: `the ${deadline} deadline passed`, sent: this.#sentTold });
    // Otherwise an unreachable host would fill the pool with attempts to connect that nobody waits for.
    if (deadline === 'connect') line?.connecting?.destroy(new Error('the connect deadline passed'));
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

  // undici's handler.

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#phase === 'done') throw FORGOTTEN;
    this.#controller = controller;
    this.#wasReused = (this.line?.served ?? 0) > 0;
    this.#phase = 'waiting';
    this.#sentAtMs = performance.now();
    this.wheel.move(this);
  }

  onRequestSent(): void {
    if (this.#sentTold || this.#phase === 'done') return;
    this.#sentTold = true;
    this.handler.onSent?.();
  }

  onResponseStarted(): void {
    this.#answered = true;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (this.#phase === 'done') return;
    if (status < 200) {
      if (++this.#informational > MAX_INFORMATIONAL) this.#fail(this.#protocolFailure('too many informational responses'));
      return;
    }
    this.#headersSeen = true;
    const flat = flatten(headers);
    const codings = contentCodings(flat['content-encoding']);
    if (codings.length > 0 && !this.#openInflater(codings)) return;
    if (this.#paused) this.#controller?.pause();
    this.handler.onHeaders(status, flat);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#phase === 'done') return;
    this.#activeAtMs = this.wheel.coarseNowMs;
    if (this.#phase === 'waiting') {
      this.#phase = 'reading';
      this.wheel.move(this);
    }
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > this.request.limits.maxBodyBytes) return this.#fail(this.#tooLarge());
    if (this.#inflater === null) this.handler.onData(chunk);
    else this.#inflater.write(chunk);
  }

  onResponseEnd(): void {
    if (this.line !== null) this.line.served++;
    if (this.#phase === 'done') return;
    if (this.#inflater === null) this.onEnd();
    else this.#inflater.end();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#phase === 'done') return;
    if (this.#isStale(error)) return this.#redial();
    this.#fail(transportFailure(error, this.#phase === 'connecting' ? 'connecting' : this.#headersSeen ? 'body' : 'head'));
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
    this.#controller?.pause();
  }

  onDrained(): void {
    if (!this.#paused && this.#phase !== 'done') this.#controller?.resume();
  }

  #openInflater(codings: readonly string[]): boolean {
    const made = Inflater.create(codings, this.request.limits.maxInflatedBytes, this);
    if (typeof made === 'string') {
      this.#fail(this.#protocolFailure(made));
      return false;
    }
    this.#inflater = made;
    if (this.#paused) made.pause();
    return true;
  }

  #dispatch(): void {
    const { path, method, headers, body } = this.request;
    try {
      this.pool.dispatch({ path, method, headers, body: body === '' ? null : body }, this);
    } catch (error) {
      // undici throws on what it can see at once; the caller must have its handle before it is told.
      queueMicrotask(() => this.#fail(transportFailure(error, 'connecting')));
    }
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
    this.#controller = null;
    this.#dialedAtMs = performance.now();
    this.wheel.move(this);
    this.#dispatch();
  }

  #fail(failure: TransportFailure): void {
    const controller = this.#controller;
    if (!this.#finish()) return;
    controller?.abort(FORGOTTEN);
    this.#inflater?.destroy();
    this.handler.onFailure(failure);
  }

  /** True for the first caller only. */
  #finish(): boolean {
    if (this.#phase === 'done') return false;
    this.#phase = 'done';
    this.#controller = null;
    this.wheel.remove(this);
    this.pool.release();
    return true;
  }

  #protocolFailure(message: string): TransportFailure {
    return { kind: 'protocol', message, sent: true };
  }

  #tooLarge(): TransportFailure {
    return { kind: 'too-large', message: 'the response body is too large', sent: true };
  }
}

/** Repeated fields are joined; cookies are nobody's business here (A26). */
function flatten(headers: IncomingHttpHeaders): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    const value = headers[name];
    if (value === undefined || name === 'set-cookie') continue;
    flat[name] = typeof value === 'string' ? value : value.join(', ');
  }
  return flat;
}
