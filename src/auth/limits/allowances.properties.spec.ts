import fc from 'fast-check';
import { FakeCluster } from '../../../test/support/fake-cluster.js';
import { SystemClock } from '../../platform/clock/index.js';
import { limitServices } from './limit-services.js';
import { MINUTE_MS, type LimitSubject, type Outcome, type Refusal, type Reservation } from './limit-store.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { WorkerLimitStore } from './worker-limit-store.js';

const WORKERS = 3;
/** A message takes at most so long. */
const MAX_DELAY_MS = 8;
/** Used is counted this much longer at most: a bucket, a turn, and messages that await each other. */
const LATE_MS = 250 + 50 + 6 * MAX_DELAY_MS;
/** Some of this may be lost with a worker: what it held of each list. */
const PART = 8 * WORKERS;

const ORGANIZATION: LimitSubject = { scope: 'organization', id: 'o', limits: { rpm: 500, tpm: 40_000, concurrency: 300 } };
const LISTS: readonly (readonly LimitSubject[])[] = [
  [ORGANIZATION, { scope: 'key', id: 'a', limits: { rpm: 300, rpd: 900 } }],
  [ORGANIZATION, { scope: 'key', id: 'b', limits: { tpm: 30_000, concurrency: 150 } }],
];

interface Made {
  readonly list: number;
  readonly worker: Worker;
  readonly reservation: Reservation;
  /** When it was asked for, and when it was let in. */
  readonly askedMs: number;
  readonly admittedMs: number;
  tokens: number;
  reservedTokens: number;
  endedMs: number;
  isCanceled: boolean;
  /** Its worker died before it could say how it ended. */
  isUntold: boolean;
}

/** It may have been admitted. */
interface Asked {
  readonly list: number;
  readonly worker: Worker;
  readonly tokens: number;
  readonly askedMs: number;
}

interface Worker {
  readonly id: number;
  readonly store: WorkerLimitStore;
  isAlive: boolean;
}

/** Requests as fast as they come: so many each time, at all workers or one. */
const TRAFFIC = fc.record({
  kind: fc.constant('traffic' as const),
  workers: fc.constantFrom([0], [1], [2], [0, 1], [0, 1, 2]),
  list: fc.nat({ max: 1 }),
  times: fc.integer({ min: 1, max: 6 }),
  count: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 10 }) }, { weight: 1, arbitrary: fc.integer({ min: 50, max: 150 }) }),
  gapMs: fc.integer({ min: 1, max: 15 }),
  tokens: fc.nat({ max: 40 }),
});
const END = fc.record({ kind: fc.constant('end' as const), part: fc.nat({ max: 10 }), used: fc.nat({ max: 10 }), isCanceled: fc.boolean() });
const WAIT = fc.record({ kind: fc.constant('wait' as const), ms: fc.oneof({ weight: 5, arbitrary: fc.nat({ max: 30 }) }, fc.nat({ max: 1_000 }), fc.nat({ max: 40_000 })) });
const KILL = fc.record({ kind: fc.constant('kill' as const), worker: fc.nat({ max: 2 }) });
const STEP = fc.oneof({ weight: 8, arbitrary: TRAFFIC }, { weight: 4, arbitrary: END }, { weight: 6, arbitrary: WAIT }, { weight: 1, arbitrary: KILL });
type Step = typeof STEP extends fc.Arbitrary<infer Value> ? Value : never;

/** Everything that happened, and what the limits say about it. */
class Run {
  readonly made: Made[] = [];
  /** Without an answer yet; for ever where a worker has died. */
  readonly asked = new Set<Asked>();
  readonly refusals: { refusal: Refusal; list: number; tokens: number; askedMs: number; atMs: number }[] = [];
  readonly workers: Worker[];
  readonly #cluster: FakeCluster;
  readonly #clock = new SystemClock();
  deaths = 0;
  atOnce = 0;

  constructor(delaysMs: readonly number[]) {
    let next = 0;
    const delayMs = (): number => delaysMs[(next += 1) % delaysMs.length] ?? 0;
    this.#cluster = new FakeCluster(limitServices(new MemoryLimitStore(this.#clock), WORKERS), delayMs);
    this.workers = Array.from({ length: WORKERS }, () => this.#fork());
  }

  get nowMs(): number {
    return this.#clock.monotonicMs();
  }

  async do(step: Step): Promise<void> {
    if (step.kind === 'traffic') await this.#bring(step);
    else if (step.kind === 'end') this.#end(step);
    else if (step.kind === 'kill') this.#kill(step.worker);
    await jest.advanceTimersByTimeAsync(step.kind === 'wait' ? step.ms : 0);
  }

  close(): void {
    for (const { store } of this.workers) store.close();
  }

  #fork(): Worker {
    const { id, group } = this.#cluster.fork();
    return { id, store: new WorkerLimitStore(group, this.#clock), isAlive: true };
  }

  async #bring({ workers, list, times, count, gapMs, tokens }: Extract<Step, { kind: 'traffic' }>): Promise<void> {
    for (let time = 0; time < times; time += 1) {
      for (const place of workers) for (let index = 0; index < count; index += 1) this.#admit(this.workers[place] as Worker, list, tokens);
      await jest.advanceTimersByTimeAsync(gapMs);
    }
  }

  #admit(worker: Worker, list: number, tokens: number): void {
    const askedMs = this.nowMs;
    const asked = { list, worker, tokens: tokens * 2, askedMs };
    const conclude = (outcome: Outcome): void => {
      if (!worker.isAlive) return;
      this.asked.delete(asked);
      if (!outcome.admitted) {
        this.refusals.push({ refusal: outcome, list, tokens, askedMs, atMs: this.nowMs });
        return;
      }
      const { reservation } = outcome;
      const { reservedTokens } = reservation;
      this.made.push({ list, worker, reservation, askedMs, admittedMs: this.nowMs, tokens: reservedTokens, reservedTokens, endedMs: Number.POSITIVE_INFINITY, isCanceled: false, isUntold: false });
    };
    const outcome = worker.store.admit({ subjects: LISTS[list] as readonly LimitSubject[], minimumTokens: tokens, reserveTokens: tokens * 2 });
    if (outcome instanceof Promise) {
      this.asked.add(asked);
      return void outcome.then(conclude, () => undefined);
    }
    this.atOnce += 1;
    conclude(outcome);
  }

  /** Tenths of the running ones end, the oldest first, having used tenths of what was reserved. */
  #end({ part, used, isCanceled }: { part: number; used: number; isCanceled: boolean }): void {
    const running = this.made.filter(({ endedMs }) => endedMs === Number.POSITIVE_INFINITY);
    for (const one of running.slice(0, Math.ceil((running.length * part) / 10))) {
      one.endedMs = this.nowMs;
      one.isCanceled = isCanceled;
      one.tokens = isCanceled ? 0 : Math.floor((one.reservedTokens * used) / 10);
      if (isCanceled) one.reservation.cancel();
      else one.reservation.settle(one.tokens);
    }
  }

  #kill(place: number): void {
    const worker = this.workers[place] as Worker;
    worker.isAlive = false;
    this.#cluster.kill(worker.id);
    worker.store.close();
    for (const one of this.made) {
      if (one.worker !== worker) continue;
      one.isUntold = one.endedMs >= this.nowMs - LATE_MS;
      one.endedMs = Math.min(one.endedMs, this.nowMs);
    }
    this.workers[place] = this.#fork();
    this.deaths += 1;
  }
}

/** In no window of a minute (less what messages take: it is not known when the primary judged) and at no time is more than the limit. */
function expectNeverOver({ made }: Run): void {
  for (const subject of new Set(LISTS.flat())) {
    const { rpm = Infinity, tpm = Infinity, concurrency = Infinity } = subject.limits;
    const own = made.filter(({ list }) => LISTS[list]?.includes(subject));
    expect(mostIn(MINUTE_MS - 8 * MAX_DELAY_MS, own, ({ isCanceled }) => (isCanceled ? 0 : 1))).toBeLessThanOrEqual(rpm);
    expect(mostIn(MINUTE_MS - 8 * MAX_DELAY_MS, own, ({ tokens }) => tokens)).toBeLessThanOrEqual(tpm);
    expect(mostAtATime(own)).toBeLessThanOrEqual(concurrency);
  }
}

/** Those made are in the order of their admission. */
function mostIn(windowMs: number, made: readonly Made[], weigh: (one: Made) => number): number {
  let [first, total, most] = [0, 0, 0];
  for (const one of made) {
    total += weigh(one);
    for (; (made[first] as Made).admittedMs <= one.admittedMs - windowMs; first += 1) total -= weigh(made[first] as Made);
    most = Math.max(most, total);
  }
  return most;
}

/** Of two at once, the end comes first. */
function mostAtATime(made: readonly Made[]): number {
  const changes = made.flatMap(({ admittedMs, endedMs }) => [[admittedMs, 1], [endedMs, -1]] as const);
  let [running, most] = [0, 0];
  for (const [, change] of changes.sort(([left, up], [right, down]) => left - right || up - down)) most = Math.max(most, (running += change));
  return most;
}

/** What was refused exceeds a limit together with what was really made, ended a moment ago or asked at the same time, and what died. */
function expectNeverRefusedWrongly({ made, asked, refusals, deaths }: Run): void {
  for (const { refusal, tokens, askedMs, atMs } of refusals) {
    const { scope, id, limit, limitCount } = refusal.binding;
    const own = made.filter(({ list, askedMs: otherMs }) => LISTS[list]?.some((subject) => subject.scope === scope && subject.id === id) && otherMs <= atMs);
    const unheard = [...asked].filter(({ list }) => LISTS[list]?.some((subject) => subject.scope === scope && subject.id === id));
    const lost = deaths * LISTS.length * Math.ceil(limitCount / PART) + (limit === 'tpm' ? sum(unheard.map((one) => one.tokens)) : unheard.length);
    const windowMs = limit === 'rpd' ? 1_440 * MINUTE_MS + 300_000 : MINUTE_MS;
    const inside = own.filter(({ admittedMs }) => admittedMs > askedMs - windowMs - LATE_MS);
    const isReserved = ({ endedMs, isUntold }: Made): boolean => isUntold || endedMs >= askedMs - LATE_MS;
    const requests = inside.filter((one) => !one.isCanceled || isReserved(one)).length;
    const used = {
      concurrency: own.filter(({ endedMs }) => endedMs >= askedMs - 2 * MAX_DELAY_MS).length,
      rpm: requests,
      rpd: requests,
      tpm: sum(inside.map((one) => (isReserved(one) ? one.reservedTokens : one.tokens))),
    }[limit];
    expect(used + lost + (limit === 'tpm' ? tokens : 1)).toBeGreaterThan(limitCount);
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

describe('allowances', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] }));
  afterEach(() => jest.useRealTimers());

  it('exceed no limit and refuse nothing that fits, whatever three workers do, when messages come late and workers die', async () => {
    let [atOnce, asked, refused] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(fc.array(STEP, { minLength: 10, maxLength: 40, size: 'max' }), fc.array(fc.nat({ max: MAX_DELAY_MS }), { minLength: 1, maxLength: 7 }), async (steps, delaysMs) => {
        const run = new Run(delaysMs);
        for (const step of steps) await run.do(step);
        await jest.advanceTimersByTimeAsync(1_000);
        run.close();
        await jest.advanceTimersByTimeAsync(3_000);
        expectNeverOver(run);
        expectNeverRefusedWrongly(run);
        expect(jest.getTimerCount()).toBe(0);
        atOnce += run.atOnce;
        asked += run.made.length - run.atOnce;
        refused += run.refusals.length;
      }),
      { numRuns: 200, endOnFailure: true },
    );
    // It was about something.
    expect(Math.min(atOnce, asked, refused)).toBeGreaterThan(1_000);
  }, 120_000);
});
