/** What experiments, copies and prompt caches did, from a real PostgreSQL. */
import { CacheUsage, RequestLogQueue, RequestLogWriter, RetentionJob, RollUpJob, RouteResults, ShadowRecords, type ShadowRecord } from '../../src/logs/index.js';
import type { LogMetrics } from '../../src/logs/logs.metrics.js';
import { ManualClock } from '../../src/platform/clock/index.js';
import { newId } from '../../src/platform/ids/index.js';
import type { Jobs } from '../../src/platform/queue/index.js';
import { aRequestLog } from '../fixtures/request-log.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const NO_JOBS = { register: () => undefined } as unknown as Jobs;
const CONTEXT = { signal: new AbortController().signal, progress: () => undefined };
const NO_METRICS = { watch: () => undefined, dropped: () => undefined, wrote: () => undefined } as unknown as LogMetrics;
const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 29, 12);
const ALL = { fromMs: NOW_MS - 24 * HOUR_MS, toMs: NOW_MS + HOUR_MS };

let fixture: TestDatabase;
let shadows: ShadowRecords;

beforeAll(async () => {
  fixture = await createTestDatabase();
  shadows = new ShadowRecords(fixture.database);
}, 60_000);
afterAll(() => fixture?.drop());

const store = async (...logs: Parameters<typeof aRequestLog>[0][]): Promise<void> => {
  const queue = new RequestLogQueue(new RequestLogWriter(fixture.database), NO_METRICS);
  for (const log of logs) queue.record(aRequestLog({ receivedAtMs: NOW_MS, ...log }));
  await queue.flush();
  await queue.onApplicationShutdown();
};
const aCopy = (more: Partial<ShadowRecord> = {}): ShadowRecord => ({
  requestId: newId('req', NOW_MS), atMs: NOW_MS, route: 'copied', target: 'lab/two', model: 'lab/two', provider: 'two', outcome: 'ok', stream: true, ttftMs: 50, totalMs: 400,
  promptTokens: 100, completionTokens: 20, cachedTokens: 80, costNanoUsd: 300n, ...more,
});

it('results are by the arm that was drawn: success, times, money, cache', async () => {
  const timings = (ttftMs: number, totalMs: number) => ({ timings: { ttftMs, totalMs } });
  await store(
    { route: 'ab', arm: 'a', ...timings(10, 100) },
    { route: 'ab', arm: 'a', ...timings(30, 300) },
    { route: 'ab', arm: 'a', ...timings(20, 200), status: 502, state: 'failed', usage: undefined, chargedNanoUsd: 0n, costNanoUsd: 0n },
    { route: 'ab', arm: 'b', ...timings(40, 400), state: 'canceled' },
    { route: 'other', arm: 'a' },
    { route: 'ab' },
    { route: 'ab', arm: 'a', receivedAtMs: NOW_MS - 48 * HOUR_MS },
  );
  const { arms, shadows: copies } = await new RouteResults(fixture.database).get('ab', ALL);
  expect(copies).toEqual([]);
  expect(arms).toMatchObject([
    {
      name: 'a', requests: 3, succeeded: 2, success_rate: 0.6667, ttft_p50_ms: 20, ttft_p95_ms: 29, p50_ms: 200, p95_ms: 290,
      prompt_tokens: 284, cached_tokens: 80, cached_token_rate: 0.2817, charged_usd: '0.002469134', provider_cost_usd: '0.002',
    },
    { name: 'b', requests: 1, canceled: 1, success_rate: null },
  ]);
});

it('the budget of copies is never exceeded, however many ask at once, and is corrected by what they cost', async () => {
  const of = { budgetNanoUsd: 1_000n, nowMs: NOW_MS };
  const reserved = (await Promise.all(Array.from({ length: 20 }, () => shadows.reserve('copied', 300n, of)))).filter((reservation) => reservation !== null);
  expect(reserved).toHaveLength(3);
  const [one, two, three] = reserved as [(typeof reserved)[0], (typeof reserved)[0], (typeof reserved)[0]];
  await shadows.finish(one, aCopy({ costNanoUsd: 100n }));
  await shadows.finish(two, aCopy({ costNanoUsd: 0n, outcome: 'error', errorCode: 'upstream_error' }));
  await shadows.finish(three, aCopy());
  expect(await shadows.reserve('copied', 601n, of)).toBeNull();
  expect(await shadows.reserve('copied', 600n, of)).not.toBeNull();
  expect(await shadows.reserve('copied', 1n, of)).toBeNull();
  expect(await shadows.reserve('copied', 1_000n, { ...of, nowMs: NOW_MS + 24 * HOUR_MS })).not.toBeNull();
  expect(await shadows.reserve('fresh', 1_001n, of)).toBeNull();
  const { shadows: copies } = await new RouteResults(fixture.database).get('copied', ALL);
  expect(copies).toMatchObject([{ name: 'lab/two', requests: 3, succeeded: 2, success_rate: 0.6667, ttft_p95_ms: 50, cached_token_rate: 0.8, provider_cost_usd: '0.0000004', charged_usd: '0' }]);
});

it('cached tokens and what they saved, per model and key, from the hourly sums', async () => {
  await fixture.database.query('TRUNCATE request_logs, request_log_hours');
  await store({ keyId: 'key_1' }, { keyId: 'key_2' }, { keyId: 'key_2', servedModel: 'anthropic/other', cacheEffect: { savedNanoUsd: 0n, surchargeNanoUsd: 8_000n } });
  await new RollUpJob(fixture.database, NO_JOBS, new ManualClock(NOW_MS)).run(CONTEXT);
  const usage = new CacheUsage(fixture.database);
  expect(await usage.list({ ...ALL, groupBy: 'model' })).toEqual([
    { model: 'anthropic/claude', requests: 2, prompt_tokens: 284, cached_tokens: 80, cached_token_rate: 0.2817, cache_saved_usd: '0.0002' },
    { model: 'anthropic/other', requests: 1, prompt_tokens: 142, cached_tokens: 40, cached_token_rate: 0.2817, cache_saved_usd: '-0.000008' },
  ]);
  expect(await usage.list({ ...ALL, groupBy: 'key', keyId: 'key_2' })).toMatchObject([{ key_id: 'key_2', requests: 2, cache_saved_usd: '0.000092' }]);
  expect(await usage.list({ ...ALL, groupBy: 'key', organizationId: 'org_2' })).toEqual([]);
});

it('copies are kept as long as the log', async () => {
  const count = async (): Promise<number> => Number((await fixture.database.query<{ count: string }>('SELECT count(*) FROM route_shadows')).rows[0]?.count);
  await new RetentionJob(fixture.database, NO_JOBS, new ManualClock(NOW_MS)).run(CONTEXT);
  expect(await count()).toBe(3);
  await new RetentionJob(fixture.database, NO_JOBS, new ManualClock(NOW_MS + 91 * 24 * HOUR_MS)).run(CONTEXT);
  expect(await count()).toBe(0);
});
