import { FakeCluster } from '../../../test/support/fake-cluster.js';
import { SystemClock } from '../../platform/clock/index.js';
import { limitServices } from './limit-services.js';
import type { LimitSubject, Outcome, Reservation } from './limit-store.js';
import { MemoryLimitStore } from './memory-limit-store.js';
import { WorkerLimitStore } from './worker-limit-store.js';

const TURN_MS = 50;

/** Three turns: an allowance is wanted after the first, and granted. */
const WARM_UP = 3;

interface Worker {
  readonly id: number;
  readonly store: WorkerLimitStore;
}

function bed({ workers = 2, delayMs = (): number => 0 } = {}) {
  const clock = new SystemClock();
  const counted = new MemoryLimitStore(clock);
  const cluster = new FakeCluster(limitServices(counted, workers), delayMs);
  const fork = (): Worker => {
    const { id, group } = cluster.fork();
    return { id, store: new WorkerLimitStore(group, clock) };
  };
  return { counted, cluster, workers: Array.from({ length: workers }, fork) as [Worker, Worker] };
}

function key(limits: LimitSubject['limits'], id = 'k'): readonly [LimitSubject] {
  return [{ scope: 'key', id, limits }];
}

async function pass(milliseconds: number): Promise<void> {
  await jest.advanceTimersByTimeAsync(milliseconds);
}

/** Admitted without asking. */
function atOnce({ store }: Worker, subjects: readonly LimitSubject[], tokens = 0): Reservation {
  const outcome = store.admit({ subjects, minimumTokens: tokens, reserveTokens: tokens });
  if (outcome instanceof Promise || !outcome.admitted) throw new Error('it was not admitted at once');
  return outcome.reservation;
}

async function admit({ store }: Worker, subjects: readonly LimitSubject[], tokens = 0): Promise<Outcome> {
  const outcome = store.admit({ subjects, minimumTokens: tokens, reserveTokens: tokens });
  if (outcome instanceof Promise) await pass(2);
  return outcome;
}

/** So many at the same moment. */
async function admitMany({ store }: Worker, subjects: readonly LimitSubject[], count: number): Promise<number> {
  const outcomes = Array.from({ length: count }, () => store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 }));
  await pass(2);
  return (await Promise.all(outcomes)).filter(({ admitted }) => admitted).length;
}

/** Requests in every turn, each ended at once, until they are admitted by an allowance. */
async function warmUp(worker: Worker, subjects: readonly LimitSubject[], { perTurn = 10, tokens = 0 } = {}): Promise<number> {
  let count = 0;
  for (let turn = 0; turn < WARM_UP; turn += 1) {
    for (let index = 0; index < perTurn; index += 1, count += 1) {
      const outcome = await admit(worker, subjects, tokens);
      if (outcome.admitted) outcome.reservation.settle(tokens);
    }
    await pass(TURN_MS);
  }
  return count;
}

function usedOf(counted: MemoryLimitStore, subjects: readonly LimitSubject[]): Record<string, number> {
  return Object.fromEntries(counted.statesOf(subjects).map(({ limit, usedCount }) => [limit, usedCount]));
}

const LIMITS = { rpm: 400, tpm: 100_000, concurrency: 200 };

describe('an allowance', () => {
  beforeEach(() => jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick'] }));
  afterEach(() => jest.useRealTimers());

  it('admits at once, says how often only once a turn, and is given back when nothing comes', async () => {
    const { counted, cluster, workers } = bed();
    const subjects = key(LIMITS);
    const count = await warmUp(workers[0], subjects, { tokens: 30 });
    const before = cluster.messageCount;
    for (let index = 0; index < 10; index += 1) atOnce(workers[0], subjects, 30).settle(20);
    await pass(TURN_MS);
    expect(cluster.messageCount - before).toBe(1);
    expect(usedOf(counted, subjects)).toEqual({ rpm: count + 10, tpm: count * 30 + 200, concurrency: 0 });
    expect(counted.roomOf(subjects).requests).toBeLessThan(400 - count - 10);
    await pass(10 * TURN_MS);
    expect(counted.roomOf(subjects)).toEqual({ requests: 400 - count - 10, tokens: 100_000 - count * 30 - 200, slots: 200 });
    expect(jest.getTimerCount()).toBe(0);
    const idle = cluster.messageCount;
    await pass(60_000);
    expect(cluster.messageCount).toBe(idle);
  });

  it('is not given for a few requests, nor of a limit that is near', async () => {
    const { workers } = bed();
    const [few, near] = [key(LIMITS), key({ ...LIMITS, concurrency: 60 }, 'near')];
    await warmUp(workers[0], few, { perTurn: 1 });
    await warmUp(workers[0], near);
    for (const subjects of [few, near]) expect(workers[0].store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 })).toBeInstanceOf(Promise);
    await pass(0);
  });

  it('is a small part of what is left', async () => {
    const { counted, workers } = bed();
    const subjects = key(LIMITS);
    const count = await warmUp(workers[0], subjects, { perTurn: 40 });
    const left = 400 - count;
    expect(left - counted.roomOf(subjects).requests).toBeGreaterThan(0);
    expect(left - counted.roomOf(subjects).requests).toBeLessThanOrEqual(400 / 16);
  });

  it('counts down, whoever admits: in the answers of one worker nothing comes back', async () => {
    const { workers } = bed({ delayMs: () => 3 });
    const subjects = key({ rpm: 400 });
    const shown: number[] = [];
    const asked: Promise<void>[] = [];
    for (let index = 0; index < 300; index += 1) {
      const outcome = workers[0].store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 });
      const conclude = (late: Outcome): void => {
        if (!late.admitted) throw new Error('refused');
        late.reservation.settle(0);
        shown.push(late.reservation.windows()[0]?.usedCount ?? -1);
      };
      if (outcome instanceof Promise) asked.push(outcome.then(conclude));
      else conclude(outcome);
      await pass(1);
    }
    await pass(10);
    await Promise.all(asked);
    expect(shown).toHaveLength(300);
    expect(shown).toEqual([...shown].sort((left, right) => left - right));
    expect(shown.at(-1)).toBe(300);
  });

  it('is recalled before a request is refused, whoever holds it: exactly the limit is admitted', async () => {
    const { workers } = bed();
    const subjects = key({ rpm: 400 });
    let admitted = await warmUp(workers[0], subjects);
    admitted += await warmUp(workers[1], subjects);
    admitted += await admitMany(workers[1], subjects, 500);
    expect(admitted).toBe(400);
    expect((await admit(workers[0], subjects)).admitted).toBe(false);
  });

  it('is not given to one worker while another waits for what was recalled', async () => {
    let lateMs = 0;
    const { counted, workers } = bed({ workers: 3, delayMs: () => lateMs });
    const [holding, asking, other] = workers as readonly Worker[] as [Worker, Worker, Worker];
    const subjects = key({ tpm: 100_000 });
    const used = (await warmUp(holding, subjects, { tokens: 30 })) * 30;
    for (let index = 0; index < 10; index += 1) atOnce(holding, subjects, 30).settle(0);
    lateMs = 4;
    // Its report is heard while the recall is on its way.
    const others = Array.from({ length: 10 }, () => other.store.admit({ subjects, minimumTokens: 30, reserveTokens: 30 }));
    await pass(TURN_MS - 4);
    const rest = 100_000 - used - 300;
    expect(counted.roomOf(subjects).tokens).toBeLessThan(rest);
    const asked = asking.store.admit({ subjects, minimumTokens: rest, reserveTokens: rest });
    await pass(40);
    expect((await Promise.all([asked, ...others])).every(({ admitted }) => admitted)).toBe(true);
  });

  it('gives its free slots to whoever needs them, and those of running requests when they end, before their answers leave', async () => {
    const { workers } = bed();
    const subjects = key({ concurrency: 100 });
    await warmUp(workers[0], subjects);
    const running = [atOnce(workers[0], subjects), atOnce(workers[0], subjects)];
    expect(await admitMany(workers[1], subjects, 99)).toBe(98);
    expect(workers[0].store.told()).toBeUndefined();
    running[0]?.settle(0);
    const told = workers[0].store.told();
    expect(told).toBeInstanceOf(Promise);
    await pass(0);
    await told;
    expect([(await admit(workers[1], subjects)).admitted, (await admit(workers[1], subjects)).admitted]).toEqual([true, false]);
  });

  it('leaves those of other keys alone when a key is at its own limit', async () => {
    const { cluster, workers } = bed();
    const organization: LimitSubject = { scope: 'organization', id: 'o', limits: { rpm: 10_000 } };
    const [busy, small] = [[organization, ...key({}, 'busy')], [organization, ...key({ rpm: 1, concurrency: 1 }, 'small')]];
    await warmUp(workers[0], busy);
    expect((await admit(workers[1], small)).admitted).toBe(true);
    const before = cluster.messageCount;
    expect((await admit(workers[1], small)).admitted).toBe(false);
    expect(cluster.messageCount - before).toBe(1);
    atOnce(workers[0], busy);
  });

  it('counts wholly when its worker dies, and its slots are free', async () => {
    const { counted, cluster, workers } = bed();
    const subjects = key(LIMITS);
    const count = await warmUp(workers[0], subjects, { tokens: 30 });
    const { requests, tokens } = counted.roomOf(subjects);
    atOnce(workers[0], subjects, 30);
    cluster.kill(workers[0].id);
    expect(counted.roomOf(subjects)).toEqual({ requests, tokens, slots: 200 });
    expect(usedOf(counted, subjects)['rpm']).toBeGreaterThan(count);
    await pass(60_300);
    expect(counted.roomOf(subjects)).toEqual({ requests: 400, tokens: 100_000, slots: 200 });
  });

  it('is void when it crosses its recall', async () => {
    let lateMs = 0;
    const { counted, workers } = bed({ delayMs: () => lateMs });
    const subjects = key({ rpm: 400 });
    await warmUp(workers[0], subjects);
    for (let index = 0; index < 10; index += 1) atOnce(workers[0], subjects);
    lateMs = 4;
    // Its report is on its way to the primary, and so is the question that has it recalled.
    await pass(TURN_MS - 1);
    const others = Array.from({ length: 400 }, () => workers[1].store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 }));
    await pass(30);
    const admitted = (await Promise.all(others)).filter((outcome) => outcome.admitted).length;
    expect(admitted).toBe(400 - WARM_UP * 10 - 10);
    expect(workers[0].store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 })).toBeInstanceOf(Promise);
    await pass(30);
    expect(usedOf(counted, subjects)).toEqual({ rpm: 400 });
  });

  it('corrects what was reported where it was counted, and counts what went beyond from the end', async () => {
    const { counted, workers } = bed();
    const subjects = key(LIMITS);
    const count = await warmUp(workers[0], subjects, { tokens: 30 });
    const [less, more, none] = [atOnce(workers[0], subjects, 30), atOnce(workers[0], subjects, 30), atOnce(workers[0], subjects, 30)];
    await pass(TURN_MS);
    expect(usedOf(counted, subjects)).toEqual({ rpm: count + 3, tpm: (count + 3) * 30, concurrency: 3 });
    await pass(40_000);
    less?.settle(10);
    less?.settle(0);
    more?.settle(100);
    none?.cancel();
    await pass(TURN_MS);
    expect(usedOf(counted, subjects)).toEqual({ rpm: count + 2, tpm: count * 30 + 110, concurrency: 0 });
    await pass(20_300);
    expect(usedOf(counted, subjects)).toEqual({ rpm: 0, tpm: 70, concurrency: 0 });
  });

  it('waits a quarter of a second for a worker that does not answer', async () => {
    const { cluster, counted, workers } = bed();
    const subjects = key({ rpm: 400 });
    const count = await warmUp(workers[0], subjects);
    const held = 400 - count - counted.roomOf(subjects).requests;
    cluster.silence(workers[0].id);
    const outcomes: Outcome[] = [];
    const asked = Array.from({ length: 400 }, async () => outcomes.push(await workers[1].store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 })));
    await pass(240);
    expect(outcomes).toHaveLength(0);
    await pass(20);
    await Promise.all(asked);
    expect(outcomes.filter(({ admitted }) => admitted)).toHaveLength(400 - count - held);
    // It is not asked again.
    const late = workers[1].store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 });
    await pass(1);
    expect((await late).admitted).toBe(false);
  });

  it('is lost with its answer: nothing is left, and everything is asked', async () => {
    const { counted, cluster, workers } = bed();
    const subjects = key({ rpm: 400 });
    const count = await warmUp(workers[0], subjects);
    atOnce(workers[0], subjects);
    cluster.deafen(workers[0].id, true);
    await pass(TURN_MS + 2_100);
    cluster.deafen(workers[0].id, false);
    await pass(2_100);
    const asked = workers[0].store.admit({ subjects, minimumTokens: 0, reserveTokens: 0 });
    expect(asked).toBeInstanceOf(Promise);
    await pass(100);
    expect((await asked).admitted).toBe(true);
    expect(counted.roomOf(subjects).requests).toBe(400 - count - 2);
  });

  it('is one of a thousand at most', async () => {
    const { workers } = bed();
    for (let index = 0; index < 1_000; index += 1) workers[0].store.admit({ subjects: key(LIMITS, `k${index}`), minimumTokens: 0, reserveTokens: 0 });
    await pass(1);
    const one = key(LIMITS, 'one more');
    for (let index = 0; index < 20; index += 1) workers[0].store.admit({ subjects: one, minimumTokens: 0, reserveTokens: 0 });
    await pass(TURN_MS + 1);
    expect(workers[0].store.admit({ subjects: one, minimumTokens: 0, reserveTokens: 0 })).toBeInstanceOf(Promise);
    await pass(10 * TURN_MS);
    await warmUp(workers[0], one);
    atOnce(workers[0], one);
  });

  it('is given back when its worker stops, and leaves no timer', async () => {
    const { counted, workers } = bed();
    const subjects = key(LIMITS);
    const count = await warmUp(workers[0], subjects);
    workers[0].store.close();
    await pass(0);
    expect(counted.roomOf(subjects).requests).toBe(400 - count);
    expect(jest.getTimerCount()).toBe(0);
  });
});
