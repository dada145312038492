import { Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import type { Clock } from '../../platform/clock/index.js';
import { newId } from '../../platform/ids/index.js';
import { RedisUnavailableError, type RedisConnection } from '../../platform/redis/index.js';
import { LimitStore, MINUTE_MS, nameOf, WINDOW_SHAPES, type Demand, type LimitSubject, type Outcome, type Reservation, type WindowState } from './limit-store.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { corrected, type Amounts } from './window-correction.js';
import { ADMIT_SCRIPT, BEAT_SCRIPT, RELEASE_SCRIPT } from './window-script.js';

const LEASE_MS = 30_000;
const BEAT_MS = 10_000;
/** Until Redis has been reached, this engine counts as the only one. */
const BEAT_RETRY_MS = 1_000;
const ENGINES_KEY = 'og:limits:engines';
const EPOCH_KEY = 'og:limits:epoch';
const FOR_EVER = -2;
const REPLY_HEAD = 6;

interface SharedWindow {
  readonly key: string;
  readonly kind: 'requests' | 'tokens' | 'slots';
  readonly subject: LimitSubject;
  readonly limit: WindowState['limit'];
  readonly limitCount: number;
  readonly windowMs: number;
  readonly bucketMs: number;
}

interface Reply {
  readonly admitted: boolean;
  readonly epoch: string;
  readonly nowMs: number;
  readonly reservedTokens: number;
  readonly worst: number;
  readonly waitMs: number;
  readonly states: WindowState[];
}

/** A request that Redis let in. */
interface Taken {
  readonly windows: readonly SharedWindow[];
  readonly reply: Reply;
  readonly lease: string;
}

/**
 * Windows shared by all engines. Each admission is also counted here: when Redis does not answer (50 ms, then its breaker is
 * open and costs nothing) this engine goes on with its part of each limit, the limit divided by the engines last seen. The same
 * holds for a minute after Redis has lost its data, so that a flush is no free refill.
 */
export class RedisLimitStore extends LimitStore {
  readonly #redis: RedisConnection;
  readonly #clock: Clock;
  readonly #local: MemoryLimitStore;
  readonly #engineId = newId('eng');
  readonly #logger = new Logger('RedisLimitStore');
  /** Running requests that hold slots, with the keys of these. */
  readonly #leases = new Map<string, readonly string[]>();
  readonly #timer: NodeJS.Timeout;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #engines = 1;
  #epoch: string | null = null;
  #cautiousUntilMs = 0;
  #quietUntilMs = 0;

  constructor(redis: RedisConnection, clock: Clock, beatMs = BEAT_MS) {
    super();
    this.#redis = redis;
    this.#clock = clock;
    this.#local = new MemoryLimitStore(clock);
    this.#timer = setInterval(() => void this.beat(), beatMs);
    this.#timer.unref();
    void this.beat();
  }

  /** Engines last seen sharing these limits. */
  get engineCount(): number {
    return this.#engines;
  }

  override async admit(demand: Demand): Promise<Outcome> {
    const lease = newId('lea');
    const windows = sharedWindows(demand.subjects);
    const reply = await this.#ask(windows, demand, lease);
    if (reply === null) return this.#local.admit(demand, this.#engines);
    const binding = reply.states[reply.worst - 1];
    if (!reply.admitted && binding !== undefined) {
      const retryAfterMs = reply.waitMs === FOR_EVER ? null : Math.max(1, reply.waitMs);
      return { admitted: false, binding, retryAfterMs, windows: reply.states };
    }
    return this.#conclude(demand, { windows, reply, lease });
  }

  override async observe(subjects: readonly LimitSubject[]): Promise<WindowState[]> {
    const reply = await this.#ask(sharedWindows(subjects), { subjects, minimumTokens: 0, reserveTokens: 0 }, null);
    return reply === null ? this.#local.observe(subjects) : reply.states;
  }

  /** Every 10 s by itself. */
  async beat(): Promise<void> {
    const leases = [...this.#leases].flatMap(([lease, keys]) => keys.map((key) => ({ lease, key })));
    const keys = [ENGINES_KEY, ...leases.map(({ key }) => key)];
    const count = await this.#run(BEAT_SCRIPT, keys, [this.#engineId, LEASE_MS, ...leases.map(({ lease }) => lease)]);
    clearTimeout(this.#retry);
    if (count !== null) this.#engines = Math.max(1, Number(count));
    else if (!this.#closed) this.#retry = setTimeout(() => void this.beat(), BEAT_RETRY_MS).unref();
  }

  override close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
    void this.#run(BEAT_SCRIPT, [ENGINES_KEY], [this.#engineId, LEASE_MS, 'leave']);
  }

  #conclude(demand: Demand, taken: Taken): Outcome {
    const { windows, reply, lease } = taken;
    if (this.#epoch !== null && this.#epoch !== reply.epoch) this.#cautiousUntilMs = this.#clock.monotonicMs() + MINUTE_MS;
    this.#epoch = reply.epoch;
    const slots = windows.filter(({ kind }) => kind === 'slots').map(({ key }) => key);
    if (slots.length > 0) this.#leases.set(lease, slots);
    if (this.#clock.monotonicMs() >= this.#cautiousUntilMs) {
      const local = this.#local.take(demand.subjects, reply.reservedTokens);
      return { admitted: true, reservation: this.#reservation(taken, local) };
    }
    const local = this.#local.admit({ ...demand, reserveTokens: reply.reservedTokens }, this.#engines);
    if (local.admitted) return { admitted: true, reservation: this.#reservation(taken, local.reservation) };
    this.#release(taken, { requests: -1, tokens: -reply.reservedTokens });
    return local;
  }

  #reservation(taken: Taken, local: Reservation): Reservation {
    const { reservedTokens, states } = taken.reply;
    const askedMs = this.#clock.monotonicMs();
    let ended: Amounts | null = null;
    const end = (amounts: Amounts): void => {
      if (ended === null) this.#release(taken, amounts);
      ended ??= amounts;
    };
    return {
      reservedTokens,
      settle: (actualTokens) => {
        local.settle(actualTokens);
        end({ requests: 0, tokens: actualTokens - reservedTokens });
      },
      cancel: () => {
        local.cancel();
        end({ requests: -1, tokens: -reservedTokens });
      },
      windows: () => states.map((state) => corrected(state, ended, this.#clock.monotonicMs() - askedMs)),
    };
  }

  /** What does not arrive errs on the careful side: tokens stay reserved until their window has passed, a slot until its lease ends. */
  #release(taken: Taken, amounts: Amounts): void {
    this.#leases.delete(taken.lease);
    const concerned = taken.windows.filter(({ kind }) => kind === 'slots' || amounts[kind] !== 0);
    if (concerned.length === 0) return;
    const shapes = concerned.flatMap(({ kind, windowMs, bucketMs }) => [kind, windowMs, bucketMs]);
    const facts = [taken.lease, taken.reply.nowMs, amounts.requests, amounts.tokens];
    void this.#run(RELEASE_SCRIPT, concerned.map(({ key }) => key), [...facts, ...shapes]);
  }

  async #ask(windows: readonly SharedWindow[], demand: Demand, lease: string | null): Promise<Reply | null> {
    const shapes = windows.flatMap(({ kind, limitCount, windowMs, bucketMs }) => [kind, limitCount, windowMs, bucketMs]);
    const facts = [lease ?? '', LEASE_MS, demand.minimumTokens, demand.reserveTokens, newId('epo'), lease === null ? 1 : 0];
    const answer = await this.#run(ADMIT_SCRIPT, [EPOCH_KEY, ...windows.map(({ key }) => key)], [...facts, ...shapes]);
    return answer === null ? null : readReply(answer as (string | number)[], windows);
  }

  /** Null when Redis cannot be asked now. */
  async #run(script: string, keys: readonly string[], values: readonly (string | number)[]): Promise<unknown> {
    const call = [keys.length, ...keys, ...values] as const;
    try {
      return await this.#redis.run(async (redis) => {
        try {
          return await redis.evalsha(digestOf(script), ...call);
        } catch (error) {
          if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
          return await redis.eval(script, ...call);
        }
      });
    } catch (error) {
      if (!(error instanceof RedisUnavailableError)) this.#complain(error as Error);
      return null;
    }
  }

  /** Redis answered with an error (foreign data under our keys, a script refused): limits go on locally, but somebody must know. */
  #complain(error: Error): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#quietUntilMs) return;
    this.#quietUntilMs = nowMs + MINUTE_MS;
    this.#logger.error(`Limits cannot use Redis and count locally: ${error.message}`);
  }
}

const digests = new Map<string, string>();

function digestOf(script: string): string {
  let digest = digests.get(script);
  if (digest === undefined) {
    digest = createHash('sha1').update(script).digest('hex');
    digests.set(script, digest);
  }
  return digest;
}

function sharedWindows(subjects: readonly LimitSubject[]): SharedWindow[] {
  const windows: SharedWindow[] = [];
  for (const subject of subjects) {
    const prefix = `og:limits:${nameOf(subject)}`;
    for (const { limit, counts: kind, windowMs, bucketMs } of WINDOW_SHAPES) {
      const limitCount = subject.limits[limit];
      if (limitCount !== undefined) windows.push({ key: `${prefix}:${limit}`, kind, subject, limit, limitCount, windowMs, bucketMs });
    }
    const { concurrency } = subject.limits;
    if (concurrency === undefined) continue;
    windows.push({ key: `${prefix}:slots`, kind: 'slots', subject, limit: 'concurrency', limitCount: concurrency, windowMs: 0, bucketMs: 0 });
  }
  return windows;
}

function readReply(answer: readonly (string | number)[], windows: readonly SharedWindow[]): Reply {
  const [admitted, epoch, nowMs, reservedTokens, worst, waitMs] = answer;
  const states = windows.map(({ subject: { scope, id }, limit, limitCount }, index): WindowState => {
    const at = REPLY_HEAD + index * 2;
    return { scope, id, limit, limitCount, usedCount: Number(answer[at]), resetMs: Number(answer[at + 1]) };
  });
  return {
    admitted: Number(admitted) === 1,
    epoch: String(epoch),
    nowMs: Number(nowMs),
    reservedTokens: Number(reservedTokens),
    worst: Number(worst),
    waitMs: Number(waitMs),
    states,
  };
}
