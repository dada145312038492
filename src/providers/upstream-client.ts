import { UpstreamTransport, type UpstreamCall, type UpstreamHandler, type UpstreamRequest } from '../core/upstream/upstream.js';
import type { ProxySettings } from './upstream/connector.js';
import { DeadlineWheel } from './upstream/deadline-wheel.js';
import { OriginPool, type PoolLimits } from './upstream/origin-pool.js';
import { headOf } from './upstream/encode-request.js';
import { SocketCall, type CallLimits, type CallPlace } from './upstream/socket-call.js';

const MIB = 1_048_576;
/** A connection costs two descriptors of the process (its client's and its own), and an origin has some 28,000 ports on Linux. */
const DEFAULT_LIMITS: CallLimits & PoolLimits = { maxBodyBytes: 256 * MIB, maxInflatedBytes: 64 * MIB, maxConnections: 8_192, maxWaiting: 1_024 };
/** Origins come from the operator's configuration; those no longer used are closed beyond this number. */
const MAX_ORIGINS = 256;
/** How often connections that have been idle for too long are looked for. */
const SWEEP_MS = 5_000;

/**
 * HTTP/1.1 to upstreams over keep-alive pools of our own, push style: no streams, no promise per event, what arrives in one piece
 * is told in one piece. Redirects are answers like any other. What it guarantees stands in README.md, invariants 1–8.
 */
export class UpstreamClient extends UpstreamTransport {
  readonly #wheel = new DeadlineWheel();
  readonly #places = new Map<string, CallPlace>();
  readonly #limits: CallLimits & PoolLimits;
  readonly #sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref();

  constructor(
    private readonly proxy: ProxySettings = {},
    limits: Partial<CallLimits & PoolLimits> = {},
  ) {
    super();
    this.#limits = { ...DEFAULT_LIMITS, ...limits };
  }

  dispatch(request: UpstreamRequest, handler: UpstreamHandler): UpstreamCall {
    const head = headOf(request);
    if (typeof head === 'string') return refuse(handler, 'protocol', head);
    const place = this.#placeFor(head.origin);
    if (place === null) return refuse(handler, 'protocol', 'the upstream’s address is not a URL');
    if (place.pool.full) return refuse(handler, 'busy', 'too many calls to this upstream are open');
    const call = new SocketCall(place, head, request, handler);
    call.start();
    return call;
  }

  /** Closes every connection; calls in flight fail. */
  close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const { pool } of this.#places.values()) pool.destroy();
    this.#places.clear();
    return Promise.resolve();
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const { pool } of this.#places.values()) pool.sweep(nowMs);
  }

  #placeFor(origin: string): CallPlace | null {
    const known = this.#places.get(origin);
    if (known !== undefined) return known;
    if (!URL.canParse(origin)) return null;
    if (this.#places.size >= MAX_ORIGINS) this.#closeIdle();
    const place = { pool: new OriginPool(origin, this.proxy, this.#limits), wheel: this.#wheel, limits: this.#limits };
    this.#places.set(origin, place);
    return place;
  }

  #closeIdle(): void {
    for (const [origin, { pool }] of this.#places) {
      if (!pool.idle) continue;
      this.#places.delete(origin);
      pool.destroy();
      return;
    }
  }
}

const NO_CALL: UpstreamCall = { abort: () => undefined, pause: () => undefined, resume: () => undefined };

/** Told a moment later, so that a caller always has its handle before the outcome. */
function refuse(handler: UpstreamHandler, kind: 'protocol' | 'busy', message: string): UpstreamCall {
  let open = true;
  queueMicrotask(() => {
    if (open) handler.onFailure({ kind, message, sent: false });
    open = false;
  });
  const abort = () => {
    if (open) handler.onFailure({ kind: 'aborted', message: 'the call was aborted', sent: false });
    open = false;
  };
  return { ...NO_CALL, abort };
}
