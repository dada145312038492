/** Two gateways as users run them, on one PostgreSQL and one Redis. */
import { randomBytes } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { describeWithRedis, startRedis, type TestRedis } from '../support/redis.js';

const ADMIN_TOKEN = randomBytes(24).toString('hex');

describeWithRedis('two engines on one database and one Redis', () => {
  let fixture: TestDatabase;
  let redis: TestRedis;
  let gateways: GatewayProcess[] = [];

  beforeAll(async () => {
    [fixture, redis] = await Promise.all([createTestDatabase(), startRedis()]);
    const env = { DATABASE_URL: fixture.url, REDIS_URL: redis.url, OG_MASTER_KEY: randomBytes(32).toString('hex'), OG_ADMIN_TOKEN: ADMIN_TOKEN };
    gateways = [await startGatewayProcess({ env }), await startGatewayProcess({ env })];
    await admin(0, 'POST', 'credits', { organization_id: 'default', amount_usd: '5.00', reason: 'test' });
  }, 120_000);

  afterAll(async () => {
    await Promise.all(gateways.map((gateway) => gateway.remove()));
    await redis?.stop();
    await fixture?.drop();
  }, 60_000);

  const url = (engine: number): string => gateways[engine]?.url ?? '';

  async function admin(engine: number, method: string, path: string, body?: object): Promise<Record<string, string>> {
    const response = await fetch(`${url(engine)}/admin/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const answer = (await response.json()) as Record<string, string>;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async function chat(engine: number, key: string, body: object = {}): Promise<{ status: number; code: string | undefined; headers: Headers }> {
    const response = await fetch(`${url(engine)}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'sandbox/echo', messages: [{ role: 'user', content: 'hi' }], max_tokens: 5, ...body }),
    });
    const answer = (await response.json()) as { error?: { code: string } };
    return { status: response.status, code: answer.error?.code, headers: response.headers };
  }

  const newKey = (settings: object = {}): Promise<Record<string, string>> => admin(0, 'POST', 'keys', { project_id: 'default', name: 'Test', ...settings });

  it('let exactly ten of a hundred through together', async () => {
    const { key = '' } = await newKey({ limits: { rpm: 10 } });
    const answers = await Promise.all(Array.from({ length: 100 }, (_, index) => chat(index % 2, key)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(90);
    for (const { headers } of refused) {
      const [seconds, milliseconds] = [Number(headers.get('retry-after')), Number(headers.get('retry-after-ms'))];
      expect(seconds).toBeGreaterThanOrEqual(1);
      expect(seconds).toBeLessThanOrEqual(60);
      expect(Math.ceil(milliseconds / 1_000)).toBe(seconds);
      expect(headers.get('x-ratelimit-remaining-requests')).toBe('0');
      expect(headers.get('x-ratelimit-reset-requests')).toMatch(/^(\d+h)?(\d+m)?\d+s$/);
    }
  });

  it('let one request at a time through a key that may have one', async () => {
    const { key = '' } = await newKey({ limits: { concurrency: 1 } });
    const answers = await Promise.all([0, 1, 0, 1].map((engine) => chat(engine, key, { model: 'sandbox/slow' })));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    for (let round = 0; round < 10; round += 1) {
      const body = { model: round % 3 === 0 ? 'sandbox/error-500' : 'sandbox/echo' };
      const startedMs = performance.now();
      // The slot of the call before is given back as its answer ends; the other engine may ask a moment earlier.
      while ((await chat(round % 2, key, body)).status === 429) expect(performance.now() - startedMs).toBeLessThan(1_000);
    }
  });

  it('both refuse a revoked key, the other within 5 s', async () => {
    const { key = '', id } = await newKey();
    expect([(await chat(0, key)).status, (await chat(1, key)).status]).toEqual([200, 200]);
    await admin(0, 'DELETE', `keys/${id}`);
    const startedMs = performance.now();
    expect((await chat(0, key)).code).toBe('revoked_api_key');
    while ((await chat(1, key)).code !== 'revoked_api_key') expect(performance.now() - startedMs).toBeLessThan(5_000);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('both obey a tightened project within 5 s', async () => {
    const project = await admin(1, 'POST', 'projects', { organization_id: 'default', name: 'Tight' });
    const { key = '' } = await newKey({ project_id: project['id'] });
    expect([(await chat(0, key)).status, (await chat(1, key)).status]).toEqual([200, 200]);
    await admin(1, 'PATCH', `projects/${project['id']}`, { policy: { models: { deny: ['sandbox/echo'] } } });
    const startedMs = performance.now();
    expect((await chat(1, key)).code).toBe('model_not_allowed');
    while ((await chat(0, key)).code !== 'model_not_allowed') expect(performance.now() - startedMs).toBeLessThan(5_000);
  });

  it('go on without a 5xx or a false 401 while Redis hangs and after it lost everything', async () => {
    const { key = '' } = await newKey({ limits: { rpm: 100_000 } });
    redis.suspend();
    const hung = await Promise.all(Array.from({ length: 20 }, (_, index) => chat(index % 2, key)));
    redis.resume();
    expect(new Set(hung.map(({ status }) => status))).toEqual(new Set([200]));
    const after = await Promise.all(Array.from({ length: 20 }, (_, index) => chat(index % 2, key)));
    expect(new Set(after.map(({ status }) => status))).toEqual(new Set([200]));
  });
});
