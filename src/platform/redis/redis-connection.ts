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
  /** Commands past their deadline that Redis has still not answered. It answers in order, so nothing sent after them is answered either. */
  #unanswered = 0;

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

  /**
   * Runs one command, script or pipeline. Throws RedisUnavailableError after 50 ms, at once while the breaker is open or an earlier
   * command is still without its answer: a Redis that hangs costs the calls then on their way one deadline, and those after them nothing.
   */
  async run<Result>(work: (redis: Redis) => Promise<Result>): Promise<Result> {
    if (!this.#breaker.admits()) throw new RedisUnavailableError('Redis failed a moment ago');
    if (this.#unanswered > 0) return this.#fail(new Error('an earlier command has no answer yet'));
    const answer = work(this.#client);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      // When this process itself was busy, the answer may be waiting in the socket: it is read before the deadline is judged.
      const judge = (): void => {
        this.#awaitLate(answer);
        reject(new Error(`no answer in ${COMMAND_DEADLINE_MS} ms`));
      };
      timer = setTimeout(() => setImmediate(judge), COMMAND_DEADLINE_MS);
    });
    try {
      const result = await Promise.race([answer, late]);
      this.#breaker.succeeded();
      return result;
    } catch (cause) {
      if (!isReply(cause)) return this.#fail(cause as Error);
      this.#breaker.succeeded();
      throw cause;
    } finally {
      clearTimeout(timer);
    }
  }

  #fail(cause: Error): never {
    this.#breaker.failed();
    throw new RedisUnavailableError(`Redis: ${cause.message}`, { cause });
  }

  /** Bounded by the client's own timeout. */
  #awaitLate(answer: Promise<unknown>): void {
    this.#unanswered += 1;
    const answered = (): void => void (this.#unanswered -= 1);
    answer.then(answered, answered);
  }

  async close(): Promise<void> {
    await Promise.resolve(this.#client.disconnect());
  }
}

/** An error that Redis itself answered (a wrong type, a script's error): the server is well. LOADING and READONLY are not. */
function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError' && !/^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|OOM)/.test(error.message);
}
