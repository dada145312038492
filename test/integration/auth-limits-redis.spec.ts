import type { Demand, LimitSubject, Outcome } from '../../src/auth/limits/limit-store.js';
import { RedisLimitStore } from '../../src/auth/limits/redis-limit-store.js';
import { SystemClock } from '../../src/platform/clock/index.js';
import { RedisConnection } from '../../src/platform/redis/index.js';
import { besideDeadline, describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

const clock = new SystemClock();
let number = 0;

const keyWith = (limits: LimitSubject['limits']): LimitSubject => ({ scope: 'key', id: `key_${(number += 1)}`, limits });
const demand = (subjects: LimitSubject[], minimumTokens = 0, reserveTokens = minimumTokens): Demand => ({ subjects, minimumTokens, reserveTokens });
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describeWithRedis('limits shared through a real Redis', () => {
  let server: TestRedis;
  let connections: RedisConnection[];
  let stores: RedisLimitStore[];

  beforeAll(async () => {
    server = await startRedis();
    connections = [0, 1].map(() => new RedisConnection(server.url, clock, () => undefined));
    while (!connections.every(({ up }) => up)) await pause(10);
    stores = connections.map((connection) => new RedisLimitStore(connection, clock));
    for (const store of [...stores, ...stores]) await store.beat();
  }, 20_000);

  afterAll(async () => {
    for (const store of stores) store.close();
    await Promise.all(connections.map((connection) => connection.close()));
    await server.stop();
  });

  const storm = (subjects: LimitSubject[], count: number, tokens = 0): Promise<Outcome[]> =>
    Promise.all(Array.from({ length: count }, (_, index) => (stores[index % 2] as RedisLimitStore).admit(demand(subjects, tokens))));
  const admittedOf = (outcomes: Outcome[]): Outcome[] => outcomes.filter(({ admitted }) => admitted);
  const used = async (subject: LimitSubject): Promise<number[]> => (await stores[0]?.observe([subject]))?.map(({ usedCount }) => usedCount) ?? [];

  it('knows that two engines share them', () => {
    expect(stores.map(({ engineCount }) => engineCount)).toEqual([2, 2]);
  });

  it('lets exactly ten of a hundred through, over two stores, and names a true wait', async () => {
    const key = keyWith({ rpm: 10 });
    const outcomes = await storm([key], 100);
    expect(admittedOf(outcomes)).toHaveLength(10);
    const refused = outcomes.find(({ admitted }) => !admitted);
    if (refused === undefined || refused.admitted) throw new Error('must be refused');
    expect(refused.retryAfterMs).toBeGreaterThan(58_000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(60_000);
    expect(refused.binding).toMatchObject({ limit: 'rpm', limitCount: 10, usedCount: 10 });
  });

  it('takes all windows of all layers or none', async () => {
    const project: LimitSubject = { scope: 'project', id: `prj_${(number += 1)}`, limits: { tpm: 100 } };
    const key = keyWith({ rpm: 50, concurrency: 50 });
    const outcomes = await storm([project, key], 30, 10);
    expect(admittedOf(outcomes)).toHaveLength(10);
    expect([await used(project), await used(key)]).toEqual([[100], [10, 10]]);
  });

  it('corrects tokens at the end, frees slots, and forgets what was canceled', async () => {
    const key = keyWith({ rpm: 5, tpm: 1_000, concurrency: 1 });
    const first = await (stores[0] as RedisLimitStore).admit(demand([key], 10, 64_000));
    if (!first.admitted) throw new Error('must be admitted');
    expect(first.reservation.reservedTokens).toBe(1_000);
    expect((await (stores[1] as RedisLimitStore).admit(demand([key], 1))).admitted).toBe(false);
    first.reservation.settle(300);
    await pause(20);
    expect(await used(key)).toEqual([1, 300, 0]);
    const second = await (stores[1] as RedisLimitStore).admit(demand([key], 20));
    if (second.admitted) second.reservation.cancel();
    await pause(20);
    expect(await used(key)).toEqual([1, 300, 0]);
    const third = await (stores[1] as RedisLimitStore).admit(demand([key], 20));
    if (third.admitted) third.reservation.settle(50);
    await pause(20);
    expect(await used(key)).toEqual([2, 350, 0]);
    expect(await (stores[0] as RedisLimitStore).admit(demand([key], 1_001))).toMatchObject({ admitted: false, retryAfterMs: null });
  });

  it('keeps the slots of running requests, and lets those of a dead engine lapse', async () => {
    const key = keyWith({ concurrency: 3 });
    const redis = connections[0] as RedisConnection;
    const slots = `og:limits:key:${key.id}:slots`;
    const ends = async (): Promise<number[]> => {
      const pairs = (await redis.run((client) => client.call('ZRANGE', slots, '0', '-1', 'WITHSCORES'))) as string[];
      // One list, or pairs, as the version of the wire protocol has it.
      return pairs.flat().filter((_, at) => at % 2 === 1).map(Number);
    };
    await (stores[0] as RedisLimitStore).admit(demand([key]));
    const [first = Infinity] = await ends();
    await pause(20);
    await stores[0]?.beat();
    expect((await ends())[0]).toBeGreaterThan(first);
    await redis.run((client) => client.zadd(slots, Date.now() - 1, 'of-a-dead-engine'));
    expect(await used(key)).toEqual([1]);
  });

  it('adds at most 60 ms to a request while Redis hangs, then nothing, and still limits', async () => {
    const key = keyWith({ rpm: 10 });
    server.suspend();
    let waited = 0;
    let admitted = 0;
    for (let index = 0; index < 40; index += 1) {
      const { outcome, control } = besideDeadline(() => (stores[0] as RedisLimitStore).admit(demand([key])));
      if ((await outcome).admitted) admitted += 1;
      if (await control()) waited += 1;
    }
    server.resume();
    // The first one finds out; a second when the breaker tries again, after a second.
    expect(waited).toBeLessThanOrEqual(2);
    // Two engines were seen: each goes on with half.
    expect(admitted).toBe(5);
    while (!connections.every(({ up }) => up)) {
      await Promise.all(stores.map((store) => store.beat()));
      await pause(50);
    }
  });

  it('gives no free refill when Redis loses its data', async () => {
    const key = keyWith({ rpm: 10 });
    expect(admittedOf(await storm([key], 30))).toHaveLength(10);
    const flusher = connections[0] as RedisConnection;
    await flusher.run((redis) => redis.flushall());
    // What each engine let in itself still counts; without that ten more would pass.
    expect(admittedOf(await storm([key], 60)).length).toBeLessThanOrEqual(5);
  });
});
