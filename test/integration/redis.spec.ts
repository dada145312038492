import { SystemClock } from '../../src/platform/clock/index.js';
import { RedisConnection, RedisUnavailableError } from '../../src/platform/redis/index.js';
import { besideDeadline, describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

jest.setTimeout(30_000);

describeWithRedis('RedisConnection against a real Redis', () => {
  let server: TestRedis;
  let redis: RedisConnection;

  beforeAll(async () => {
    server = await startRedis();
    redis = new RedisConnection(server.url, new SystemClock(), () => undefined);
    await untilUp();
  });
  afterAll(async () => {
    await redis.close();
    await server.stop();
  });

  async function untilUp(): Promise<void> {
    const deadline = Date.now() + 10_000;
    while (Date.now() < deadline) {
      const answered = await redis.run((client) => client.ping()).catch(() => null);
      if (answered === 'PONG') return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('not up after 10 s');
  }

  it('answers, and an error that Redis itself answers is no outage', async () => {
    expect(await redis.run((client) => client.set('a', '1'))).toBe('OK');
    await expect(redis.run((client) => client.lpush('a', '2'))).rejects.toThrow('WRONGTYPE');
    expect(redis.up).toBe(true);
  });

  it('costs one request one deadline when Redis hangs, then nothing, and recovers by itself', async () => {
    server.suspend();
    let waited = 0;
    for (let call = 0; call < 20; call += 1) {
      const { control, outcome } = besideDeadline(() => redis.run((client) => client.get('a')));
      await expect(outcome).rejects.toBeInstanceOf(RedisUnavailableError);
      if (await control()) waited += 1;
    }
    expect(redis.up).toBe(false);
    expect(waited).toBeLessThanOrEqual(1);
    server.resume();
    await untilUp();
    expect(redis.up).toBe(true);
  });

  it('says at once that a killed Redis is gone, and finds its successor', async () => {
    const port = Number(new URL(server.url).port);
    await server.kill();
    const { outcome } = besideDeadline(() => redis.run((client) => client.get('a')));
    await expect(outcome).rejects.toBeInstanceOf(RedisUnavailableError);
    server = await startRedis(port);
    await untilUp();
  });
});
