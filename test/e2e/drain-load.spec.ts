import { Agent, request as httpRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { user } from '../support/chat-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { framesOf, Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

jest.setTimeout(90_000);

const STREAMS = 200;

/** A rolling restart under load (faults F19, F20): nothing that runs is cut silently, nothing new is lost in between. */
describe('a stop under load', () => {
  let bed: Testbed;
  let database: TestDatabase;

  beforeEach(async () => {
    database = await createTestDatabase();
  });
  afterEach(async () => {
    await bed?.stop();
    await database?.drop();
  });

  const openHolds = async (): Promise<number> => {
    const { rows } = await database.database.query<{ count: string }>("SELECT count(*) AS count FROM ledger_requests WHERE state IN ('forwarded', 'streaming')");
    return Number(rows[0]?.count);
  };
  const balance = async (): Promise<{ requests: number; unbalanced: number }> => {
    const { rows } = await database.database.query<{ requests: string; unbalanced: string }>(
      'SELECT (SELECT count(*) FROM ledger_requests) AS requests, (SELECT count(*) FROM (SELECT transaction_id FROM ledger_entries GROUP BY transaction_id HAVING sum(amount) <> 0) AS t) AS unbalanced',
    );
    return { requests: Number(rows[0]?.requests), unbalanced: Number(rows[0]?.unbalanced) };
  };

  it('lets 200 streams finish, refuses what is new, settles all of it and exits 0', async () => {
    bed = await Testbed.start({ env: { DATABASE_URL: database.url } });
    const model = await bed.model('model', { solo: answers({ tokens: 40, gapMs: 60 }) });
    const body = { model, messages: user('Hello'), stream: true, max_tokens: 100 };
    const running = Array.from({ length: STREAMS }, () => bed.client.chat(body));
    await bed.simulator.until((stats) => stats.open === STREAMS, 15_000);
    const stoppedMs = performance.now();
    const stopped = bed.gateway.stop();
    const late: (number | string)[] = [];
    for (let call = 0; call < 10; call += 1) {
      await sleep(50);
      late.push(await bed.client.chat(body).then(({ status }) => status, (error: NodeJS.ErrnoException) => error.code ?? 'error'));
    }
    const ended = await Promise.all(running);
    expect(ended.filter(({ status, text }) => status !== 200 || framesOf(text).at(-1)?.['done'] !== true)).toEqual([]);
    expect(await stopped).toBe(0);
    expect(performance.now() - stoppedMs).toBeLessThan(15_000);
    expect(late.filter((what) => what !== 503 && what !== 'ECONNREFUSED' && what !== 'ECONNRESET')).toEqual([]);
    expect(late).toContain(503);
    expect(await openHolds()).toBe(0);
    expect(await balance()).toEqual({ requests: STREAMS, unbalanced: 0 });
  });

  it('is not held up by connections that only wait, and ends what outlasts it in-band, charged for what was delivered', async () => {
    bed = await Testbed.start({ env: { DATABASE_URL: database.url, OG_DRAIN_TIMEOUT: '1500ms' } });
    const agent = new Agent({ keepAlive: true });
    await new Promise<void>((resolve) => httpRequest(`${bed.gateway.url}/healthz`, { agent }, (response) => response.resume().on('end', resolve)).end());
    const model = await bed.model('endless', { solo: answers({ tokens: 5, endless: true, gapMs: 20 }) });
    const plainModel = await bed.model('held', { solo: answers('never', { hold: true }) });
    const streams = Array.from({ length: 20 }, () => bed.client.chat({ model, messages: user('Hello'), stream: true, max_tokens: 900 }));
    const plain = bed.client.chat({ model: plainModel, messages: user('Hello') });
    await bed.simulator.until((stats) => stats.open === 21, 10_000);
    await sleep(500);
    const stoppedMs = performance.now();
    expect(await bed.gateway.stop()).toBe(0);
    expect(performance.now() - stoppedMs).toBeLessThan(9_000);
    agent.destroy();
    for (const { status, text } of await Promise.all(streams)) {
      expect(status).toBe(200);
      expect(framesOf(text).at(-1)).toMatchObject({ error: { code: 'server_shutdown' }, choices: [{ finish_reason: 'error' }] });
    }
    expect(await plain).toMatchObject({ status: 503, json: { error: { code: 'server_shutdown' } } });
    expect(await openHolds()).toBe(0);
    const { rows } = await database.database.query<{ charged: string; hold: string }>("SELECT captured + overage AS charged, hold FROM ledger_requests WHERE model = 't/endless'");
    expect(rows).toHaveLength(20);
    for (const { charged, hold } of rows) expect([BigInt(charged) > 0n, BigInt(charged) <= BigInt(hold)]).toEqual([true, true]);
  });
});
