import { Redis } from 'ioredis';
import type { Clock } from '../clock/index.js';
import { Breaker } from './breaker.js';

/** A hung Redis may cost a request this much, and only until the breaker opens (measured: 51 ms; ioredis' defaults hang over 5 s). */
const COMMAND_DEADLINE_MS = 50;
/** The client's own clean-up of what nobody waits for any more; it also bounds the handshake, while a starting process is busy. */
const CLIENT_TIMEOUT_MS = 1_000;
const BREAKER_THRESHOLD = 3;
const BREAKER_OPEN_MS = 1_000;

/** Redis is down, hung or not tried because it was a moment ago: go on without it. */
export class RedisUnavailableError extends Error {
  override name = 'RedisUnavailableError';
}

/**
 * Shared counters and caches. Never the truth about money: whoever asks has a way to go on without. Injected as
 * `@Inject(RedisConnection) redis: RedisConnection | null`, null when REDIS_URL is unset.
 */
export class RedisConnection {
  readonly #client: Redis;
  readonly #breaker: Breaker;

  constructor(url: string, clock: Clock, onError: (error: Error) => void) {
    this.#breaker = new Breaker(BREAKER_THRESHOLD, BREAKER_OPEN_MS, () => clock.monotonicMs());
    this.#client = new Redis(url, {
      enableOfflineQueue: false,
      commandTimeout: CLIENT_TIMEOUT_MS,
      connectTimeout: 2_000,
      maxRetriesPerRequest: 1,
      autoResendUnfulfilledCommands: false,
      retryStrategy: (attempt) => Math.min(attempt * 100, 1_000),
    });
    this.#client.on('error', onError);
  }

  get up(): boolean {
    return this.#client.status === 'ready' && !this.#breaker.isOpen;
  }

  /** Runs one command, script or pipeline. Throws RedisUnavailableError within 60 ms, at once while the breaker is open. */
  async run<Result>(work: (redis: Redis) => Promise<Result>): Promise<Result> {
    if (!this.#breaker.admits()) throw new RedisUnavailableError('Redis failed a moment ago');
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      // When this process itself was busy, the answer may be waiting in the socket: it is read before the deadline is judged.
      const judge = (): void => reject(new Error(`no answer in ${COMMAND_DEADLINE_MS} ms`));
      timer = setTimeout(() => setImmediate(judge), COMMAND_DEADLINE_MS);
    });
    try {
      const result = await Promise.race([work(this.#client), late]);
      this.#breaker.succeeded();
      return result;
    } catch (cause) {
      if (isReply(cause)) {
        this.#breaker.succeeded();
        throw cause;
      }
      this.#breaker.failed();
      throw new RedisUnavailableError(`Redis: ${(cause as Error).message}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  async close(): Promise<void> {
    await Promise.resolve(this.#client.disconnect());
  }
}

/** An error that Redis itself answered (a wrong type, a script's error): the server is well. LOADING and READONLY are not. */
function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !/^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|OOM)/.test(error.message);
}
