import { UpstreamTransport, type UpstreamCall, type UpstreamHandler, type UpstreamRequest } from '../core/upstream/upstream.js';
import type { ProxySettings } from './upstream/connector.js';
import { DeadlineWheel } from './upstream/deadline-wheel.js';
import { OriginPool, type PoolLimits } from './upstream/origin-pool.js';
import { SocketCall, type CallLimits } from './upstream/socket-call.js';

const MIB = 1_048_576;
/** A connection costs two descriptors of the process (its client's and its own), and an origin has some 28,000 ports on Linux. */
const DEFAULT_LIMITS: CallLimits & PoolLimits = { maxBodyBytes: 256 * MIB, maxInflatedBytes: 64 * MIB, maxConnections: 8_192, maxWaiting: 1_024 };
/** Origins come from the operator's configuration; those no longer used are closed beyond this number. */
const MAX_ORIGINS = 256;
const NOT_VISIBLE = /[^\x20-\x7e]/;
const NOT_A_PATH = /[^\x21-\x7e]/;
const NO_NAME = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]|^$/;
/** How often connections that have been idle for too long are looked for. */
const SWEEP_MS = 5_000;

/**
 * HTTP/1.1 to upstreams over keep-alive pools of our own, push style: no streams, no promise per event, what arrives in one piece
 * is told in one piece. Redirects are answers like any other. What it guarantees stands in README.md, invariants 1–8.
 */
export class UpstreamClient extends UpstreamTransport {
  readonly #wheel = new DeadlineWheel();
  readonly #pools = new Map<string, OriginPool>();
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
    const refusal = invalidHeader(request.headers);
    if (refusal !== null) return refuse(handler, 'protocol', refusal);
    const pathAt = request.url.indexOf('/', request.url.indexOf('://') + 3);
    const origin = pathAt < 0 ? request.url : request.url.slice(0, pathAt);
    const pool = this.#poolFor(origin);
    if (pool === null) return refuse(handler, 'protocol', 'the upstream’s address is not a URL');
    if (pool.full) return refuse(handler, 'busy', 'too many calls to this upstream are open');
    const path = pathAt < 0 ? '/' : request.url.slice(pathAt);
    if (NOT_A_PATH.test(path)) return refuse(handler, 'protocol', 'the upstream’s address has characters that no URL has');
    const call = new SocketCall(pool, this.#wheel, { ...request, path, limits: this.#limits }, handler);
    call.start();
    return call;
  }

  /** Closes every connection; calls in flight fail. */
  close(): Promise<void> {
    clearInterval(this.#sweeper);
    for (const pool of this.#pools.values()) pool.destroy();
    this.#pools.clear();
    return Promise.resolve();
  }

  #sweep(): void {
    const nowMs = performance.now();
    for (const pool of this.#pools.values()) pool.sweep(nowMs);
  }

  #poolFor(origin: string): OriginPool | null {
    const known = this.#pools.get(origin);
    if (known !== undefined) return known;
    if (!URL.canParse(origin)) return null;
    if (this.#pools.size >= MAX_ORIGINS) this.#closeIdle();
    const pool = new OriginPool(origin, this.proxy, this.#limits);
    this.#pools.set(origin, pool);
    return pool;
  }

  #closeIdle(): void {
    for (const [origin, pool] of this.#pools) {
      if (!pool.idle) continue;
      this.#pools.delete(origin);
      pool.destroy();
      return;
    }
  }
}

/** Some servers take 0x80–0xff for line breaks (A25, U+010D). The value is not shown: it may be a key. */
function invalidHeader(headers: Record<string, string>): string | null {
  for (const name in headers) {
    if (NO_NAME.test(name)) return 'the name of a header is no HTTP token';
    if (NOT_VISIBLE.test(headers[name] ?? '')) return `the header ${name} has characters other than visible ASCII`;
  }
  return null;
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
