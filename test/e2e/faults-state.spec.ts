import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';
import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;

/** State that somebody else broke: rows written by hand, a Redis that hangs. */
describe('rows that nobody can read', () => {
  let bed: Testbed;
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    bed = await Testbed.start({ env: { DATABASE_URL: database.url } });
    await bed.model('model', { solo: answers('served') });
  });
  afterAll(async () => {
    await bed?.stop();
    await database?.drop();
  });

  const CORRUPT: readonly [string, string][] = [
    ['policy', '"text"'],
    ['policy', '[]'],
    ['policy', 'null'],
    ['policy', '{"models":"all"}'],
    ['policy', '{"modles":{"deny":["*"]}}'],
    ['policy', '{"max_output_tokens":-5}'],
    ['policy', '{"zones":[7]}'],
    ['policy', '{"schedule":{"from":"25:00"}}'],
    ['policy', '{"ips":["not an address"]}'],
    ['limits', '{"rpm":"many"}'],
    ['limits', '{"rpm":0}'],
    ['limits', '7'],
    ['budget', '{"amount_usd":"lots","period":"day"}'],
    ['budget', '{"amount_usd":"1"}'],
  ];

  it('close the key they belong to, with 503 policy_invalid, and nothing else', async () => {
    const ask = (key: { client: Testbed['client'] }): Promise<ChatAnswer> => key.client.chat({ model: 't/model', messages: user('x') });
    const keys = await Promise.all(CORRUPT.map(() => bed.key()));
    const healthy = await bed.key();
    for (const key of keys) expect((await ask(key)).status).toBe(200);
    for (const [index, [column, value]] of CORRUPT.entries()) await database.database.query(`UPDATE virtual_keys SET ${column} = $1::jsonb WHERE id = $2`, [value, keys[index]?.id]);
    const sent = bed.simulator.requests.length;
    for (const [index, key] of keys.entries()) {
      const answer = await bed.operator.eventually(() => ask(key), 5_000, ({ status }) => status !== 200);
      expect([CORRUPT[index], answer.status, errorOf(answer)['code'], Number(answer.headers['retry-after']) >= 1]).toEqual([CORRUPT[index], 503, 'policy_invalid', true]);
    }
    expect(bed.simulator.requests.length - sent).toBeLessThan(200);
    expect((await ask(healthy)).status).toBe(200);
    await bed.operator.patch(`keys/${String(keys[0]?.id)}`, { policy: {} });
    expect((await ask(keys[0] as (typeof keys)[number])).status).toBe(200);
    expect(bed.gateway.output()).not.toMatch(/uncaught exception|unhandled rejection/);
  });
});

describeWithRedis('a Redis that hangs or is gone', () => {
  let bed: Testbed;
  let redis: TestRedis;

  beforeAll(async () => {
    redis = await startRedis();
    bed = await Testbed.start({ env: { REDIS_URL: redis.url } });
    await bed.model('model', { solo: answers('served') });
  });
  afterAll(async () => {
    await bed?.stop();
    await redis?.stop();
  });

  it('costs a few requests some milliseconds, then none; limits go on, money is exact', async () => {
    const { client } = await bed.key({ limits: { rpm: 100_000, concurrency: 1_000 } });
    const ask = async (): Promise<{ status: number; tookMs: number }> => {
      const startedMs = performance.now();
      const { status } = await client.chat({ model: 't/model', messages: user('x') });
      return { status, tookMs: performance.now() - startedMs };
    };
    const series = async (): Promise<number[]> => {
      const answers: { status: number; tookMs: number }[] = [];
      for (let call = 0; call < 100; call += 1) answers.push(await ask());
      expect(answers.filter(({ status }) => status !== 200)).toEqual([]);
      return answers.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    };
    for (let warm = 0; warm < 20; warm += 1) expect((await ask()).status).toBe(200);
    const before = await series();
    redis.suspend();
    const hung = await series();
    redis.resume();
    const after = await series();
    // Against the same calls with a Redis that is well, on the same machine a moment earlier and later: 60 ms are promised until the breaker opens, then nothing.
    const well = (place: number): number => Math.max(before[place] as number, after[place] as number);
    expect(hung[90]).toBeLessThanOrEqual(well(90) + 60);
    expect(hung[50]).toBeLessThanOrEqual(well(50) * 2 + 10);
    expect((await ask()).status).toBe(200);
    expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0 });
  });

  it('gone for good: requests are served, limits hold on', async () => {
    const { client } = await bed.key({ limits: { rpm: 10 } });
    await redis.kill();
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await client.chat({ model: 't/model', messages: user('x') })).status));
    expect(statuses.filter((status) => status !== 200 && status !== 429)).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(10);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0);
    // Back at its address, or the stop of this suite's gateway would wait 20 s for the queue to say goodbye.
    redis = await startRedis(Number(new URL(redis.url).port));
    expect((await client.chat({ model: 't/model', messages: user('x') })).status).toBe(429);
  });
});
