import { GatewayError } from '../../core/errors/gateway-error.js';

type Ask = (digests: readonly string[]) => Promise<void>;

interface Waiting {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** A client that waits longer than this for its key is answered 503 and comes again. */
const DEADLINE_MS = 2_000;
const MAX_WAITING = 5_000;
const MAX_BATCH = 500;

/**
 * Digests that memory does not know, asked of the database: the same digest once, and everything that arrives while a
 * statement is on its way with the next one. So a flushed cache or a flood of made-up keys costs one statement at a time.
 */
export class DigestLookups {
  readonly #ask: Ask;
  #waiting = new Map<string, Waiting>();
  #asking = new Map<string, Waiting>();
  #busy = false;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Resolves when the digest has been asked for. Throws GatewayError 503 `overloaded` or `service_unavailable`; never 401. */
  async resolve(digest: string): Promise<void> {
    const waiting = this.#asking.get(digest) ?? this.#waiting.get(digest) ?? this.#enqueue(digest);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(unavailable()), DEADLINE_MS);
    });
    try {
      await Promise.race([waiting.promise, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #enqueue(digest: string): Waiting {
    if (this.#waiting.size >= MAX_WAITING) {
      throw new GatewayError('overloaded', 'Too many keys are being looked up. Try again shortly.', { retryAfterMs: 1_000 });
    }
    const waiting = newWaiting();
    // Nobody may be left waiting when it fails (all gave up): that is no unhandled rejection.
    waiting.promise.catch(() => undefined);
    this.#waiting.set(digest, waiting);
    if (!this.#busy) void this.#work();
    return waiting;
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.size > 0) {
      // What else arrives in this turn of the event loop belongs to the same statement.
      await Promise.resolve();
      this.#asking = this.#take();
      try {
        await this.#ask([...this.#asking.keys()]);
        for (const waiting of this.#asking.values()) waiting.resolve();
      } catch (cause) {
        for (const waiting of this.#asking.values()) waiting.reject(unavailable(cause));
      }
      this.#asking = new Map();
    }
    this.#busy = false;
  }

  #take(): Map<string, Waiting> {
    const batch = new Map([...this.#waiting].slice(0, MAX_BATCH));
    for (const digest of batch.keys()) this.#waiting.delete(digest);
    return batch;
  }
}

function unavailable(cause?: unknown): GatewayError {
  return new GatewayError('service_unavailable', 'The key cannot be looked up at the moment. Try again shortly.', { retryAfterMs: 2_000, cause });
}

function newWaiting(): Waiting {
  let resolve: () => void = () => undefined;
  let reject: (error: unknown) => void = () => undefined;
  const promise = new Promise<void>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}
