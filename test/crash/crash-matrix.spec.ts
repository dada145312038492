import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { redisInstalled, startRedis, type TestRedis } from '../support/redis.js';
import { UpstreamSimulator } from '../support/upstream-simulator/index.js';
import { nameOf, shortMatrix, wholeMatrix, type CrashCase, type DatabaseFate } from './cases.js';
import { CrashSite, scriptUpstream } from './crash-site.js';
import { DatabaseServer } from './database-server.js';
import { renderMatrix } from './render-matrix.js';

const WHOLE = process.env['CRASH_MATRIX'] === 'whole';
const CASES = WHOLE ? wholeMatrix(redisInstalled) : shortMatrix();
/** So many die and rise at a time. */
const AT_ONCE = 4;
const OUTAGE_MS = WHOLE ? 10_000 : 3_000;
const TIMEOUT_MS = WHOLE ? 3_600_000 : 600_000;

/**
 * kill -9 at every moment between what is durable and what follows from it, against the real process, a durable PostgreSQL
 * and Redis; `npm run test:crash` is the whole matrix, `npm test` walks each failpoint once.
 */
describe('crash matrix', () => {
  const directory = mkdtempSync(join(tmpdir(), 'og-crash-matrix-'));
  const faults = new Map<CrashCase, string>();

  beforeAll(async () => {
    const server = await DatabaseServer.start(directory);
    const simulator = await UpstreamSimulator.start();
    scriptUpstream(simulator);
    try {
      for (const fate of ['up', 'restarted', 'down'] as const) await runFate(fate, { server, simulator });
    } finally {
      await simulator.stop();
      await server.stop();
      rmSync(directory, { recursive: true, force: true });
    }
  }, TIMEOUT_MS);

  it.each(CASES.map((crash) => [nameOf(crash), crash] as const))('%s', (_, crash) => {
    expect(faults.get(crash)).toBeUndefined();
  });

  afterAll(() => {
    const table = renderMatrix(CASES, faults);
    process.stdout.write(`\n${table}\n`);
    if (WHOLE) writeFileSync(join(__dirname, 'RESULTS.md'), `${table}\n`);
  });

  /** All of one fate die, then it happens once, then all are started again. */
  async function runFate(fate: DatabaseFate, { server, simulator }: { server: DatabaseServer; simulator: UpstreamSimulator }): Promise<void> {
    const cases = CASES.filter(({ database }) => database === fate);
    const redis = cases.some((crash) => crash.redis !== 'none') ? await startRedis() : null;
    const sites = new Map<CrashCase, CrashSite>();
    await atMost(AT_ONCE, cases, async (crash) => {
      const site = new CrashSite(crash, { databaseUrl: await server.clone(), redisUrl: crash.redis === 'none' ? null : (redis as TestRedis).url, simulator });
      sites.set(crash, site);
      await noting(crash, () => site.run());
    });
    if (fate !== 'up') await server.stop();
    if (redis !== null && cases.some((crash) => crash.redis === 'flushed')) await flush(redis);
    if (fate === 'restarted') await server.resume();
    const risen = atMost(AT_ONCE, cases, async (crash) => {
      const site = sites.get(crash) as CrashSite;
      if (!faults.has(crash)) await noting(crash, () => site.recover());
      await site.remove();
    });
    if (fate === 'down') {
      await sleep(OUTAGE_MS);
      await server.resume();
    }
    await risen;
    await redis?.stop();
  }

  async function noting(crash: CrashCase, work: () => Promise<void>): Promise<void> {
    await work().catch((error: Error) => faults.set(crash, error.message));
  }
});

async function atMost<T>(count: number, items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  const lane = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: count }, lane));
}

async function flush(redis: TestRedis): Promise<void> {
  const client = new Redis(redis.url);
  await client.flushall();
  client.disconnect();
}
