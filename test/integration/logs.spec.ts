/** The request log against a real PostgreSQL: batches, lists by cursor, detail, roll-ups, retention, a database that is away. */
import { RetentionJob, RequestLogQueue, RequestLogReader, RequestLogWriter, RollUpJob } from '../../src/logs/index.js';
import { encodeLog, type EncodedLog } from '../../src/logs/log-row.js';
import type { LogMetrics } from '../../src/logs/logs.metrics.js';
import { ManualClock } from '../../src/platform/clock/index.js';
import { Database, databaseSettings } from '../../src/platform/database/index.js';
import type { Jobs } from '../../src/platform/queue/index.js';
import { aRequestLog } from '../fixtures/request-log.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

class CountingMetrics {
  private depth: () => number = () => 0;
  batches = 0;
  readonly drops: Record<string, number> = {};
  get depthNow(): number {
    return this.depth();
  }
  watch(depth: () => number): void {
    this.depth = depth;
  }
  dropped(reason: string, count = 1): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + count;
  }
  wrote(): void {
    this.batches += 1;
  }
}

const NO_JOBS = { register: () => undefined } as unknown as Jobs;
const CONTEXT = { signal: new AbortController().signal, progress: () => undefined };
const DAY_MS = 86_400_000;

let fixture: TestDatabase;
let reader: RequestLogReader;
let metrics: CountingMetrics;
let queue: RequestLogQueue;

beforeAll(async () => {
  fixture = await createTestDatabase();
}, 60_000);
afterAll(() => fixture?.drop());

beforeEach(async () => {
  await fixture.database.query('TRUNCATE request_logs, request_log_payloads, request_log_hours');
  metrics = new CountingMetrics();
  queue = new RequestLogQueue(new RequestLogWriter(fixture.database), metrics as unknown as LogMetrics);
  reader = new RequestLogReader(fixture.database);
});
afterEach(() => queue.onApplicationShutdown());

async function store(...logs: Parameters<typeof aRequestLog>[0][]): Promise<string[]> {
  const records = logs.map((log) => aRequestLog(log));
  for (const record of records) queue.record(record);
  await queue.flush();
  return records.map(({ requestId }) => requestId);
}

describe('a record', () => {
  it('is readable well within two seconds by itself', async () => {
    const log = aRequestLog();
    const startedMs = Date.now();
    queue.record(log);
    while ((await reader.find(log.requestId)) === null && Date.now() - startedMs < 5_000) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(Date.now() - startedMs).toBeLessThan(1_500);
  });

  it('comes back whole, in the API’s words', async () => {
    const [id] = await store({});
    const found = await reader.get(id as string);
    expect(found).toMatchObject({
      id,
      request_id: id,
      model: 'claude',
      served_model: 'anthropic/claude',
      state: 'completed',
      status: 200,
      hold_usd: '0.005',
      cost_usd: '0.001234567',
      provider_cost_usd: '0.001',
      prompt_tokens: 142,
      completion_tokens: 25,
      cached_tokens: 40,
      attempt_count: 1,
      attempts: [{ number: 1, kind: 'first', outcome: 'ok', connect_ms: 1.23, credential: 'main' }],
      candidates: [{ place: 1, excluded: null, reasons: ['priority 0'] }],
      parameters: [{ parameter: 'temperature', action: 'clamped', detail: '1' }],
      timings: { auth_ms: 0.1, routing_ms: 0.05, ttft_ms: 25.11, generation_ms: 60, total_ms: 91.5 },
      usage: { input: 100, cache_read: 40, cache_write_1h: 2, prompt_tokens: 142, total_tokens: 167 },
      cost_details: { lines: [{ class: 'input', quantity: 100, unit: 'per_million_tokens', price_usd: '3' }] },
      finish_reason: 'stop',
      tags: ['team:a'],
      payload: null,
    });
    await expect(reader.get('req_nothing')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('is recorded once, however often it is written', async () => {
    const log = aRequestLog();
    for (let round = 0; round < 2; round += 1) {
      queue.record(log);
      await queue.flush();
    }
    expect((await reader.list()).data).toHaveLength(1);
  });

  it('is recorded once when a commit was not heard of, beside records that are new', async () => {
    const [known, fresh] = [aRequestLog({ requestBody: 'a' }), aRequestLog({ requestBody: 'b' })].map(encodeLog) as [EncodedLog, EncodedLog];
    const writer = new RequestLogWriter(fixture.database);
    await writer.write([known]);
    await writer.write([fresh, known, fresh]);
    const payloadOf = async (id: string) => ((await reader.get(id))['payload'] as { request: string }).request;
    expect([await payloadOf(known.requestId), await payloadOf(fresh.requestId), (await reader.list()).data.length]).toEqual(['a', 'b', 2]);
  });

  it('keeps payloads apart, bounded, without secrets', async () => {
    const long = `${'한'.repeat(400_000)} ${'x'.repeat(500_000)}`;
    const [id] = await store({ requestBody: '{"messages":[{"content":"my key is sk-proj-abcdefghijklmnop1234 ok"}]}', responseBody: long });
    const { payload } = (await reader.get(id as string)) as { payload: Record<string, string | boolean> };
    expect(payload['request']).not.toContain('abcdefghijklmnop');
    expect(payload['request']).toContain('ok');
    expect([payload['request_truncated'], payload['response_truncated']]).toEqual([false, true]);
    expect(Buffer.byteLength(payload['response'] as string)).toBeLessThanOrEqual(1_048_576);
    expect(payload['response']).not.toContain('\ufffd');
  });

  it('survives what PostgreSQL cannot store', async () => {
    const [id] = await store({ errorMessage: 'nul \u0000 lone \ud800 backslash \\u0000', requestBody: 'a\u0000b', requestedModel: 'm\u0000', tags: ['t\u0000\ud800'], userAgent: 'Bearer abcdefghijklmnop' });
    const found = (await reader.get(id as string)) as { error_message: string; user_agent: string; payload: { request: string } };
    expect(found.error_message).toBe('nul \ufffd lone \ufffd backslash \\u0000');
    expect(found.payload.request).toBe('a\ufffdb');
    expect(found).toMatchObject({ model: 'm\ufffd', tags: ['t\ufffd\ufffd'] });
    expect(found.user_agent).not.toContain('abcdefghijklmnop');
  });
});

describe('a batch', () => {
  it('writes thousands in few statements', async () => {
    const records = Array.from({ length: 3_200 }, () => aRequestLog());
    for (const record of records) queue.record(record);
    await queue.flush();
    await queue.flush();
    const { rows } = await fixture.database.query<{ count: string }>('SELECT count(*) FROM request_logs');
    expect([Number(rows[0]?.count), metrics.depthNow]).toEqual([3_200, 0]);
    expect(metrics.batches).toBeLessThanOrEqual(4);
  });

  it('is full, or its time has come: what arrives while one is written waits', async () => {
    const sizes: number[] = [];
    const arrive = (count: number): void => void Array.from({ length: count }, () => busy.record(aRequestLog()));
    const write = async ({ length }: readonly EncodedLog[]): Promise<void> => {
      sizes.push(length);
      await new Promise((resolve) => setTimeout(resolve, 5));
      if (sizes.length === 1) arrive(1_510);
      if (sizes.length === 2) setTimeout(arrive, 20, 20);
    };
    const busy = new RequestLogQueue({ write } as RequestLogWriter, metrics as unknown as LogMetrics);
    arrive(1_500);
    while (metrics.depthNow > 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(sizes).toEqual([1_500, 1_500, 30]);
    await busy.onApplicationShutdown();
  });

  it('gives up only the record that cannot be written', async () => {
    // A figure that no column holds is seen here, a character that it cannot store there.
    const ids = await store({}, { status: 99_999 }, {}, { organizationId: 'o\u0000' }, {}, {});
    expect((await reader.list()).data.map(({ id }) => id).sort()).toEqual([ids[0], ids[2], ids[4], ids[5]].sort());
    expect(metrics.drops).toEqual({ unreadable: 2 });
  });
});

describe('while the database is away', () => {
  it('the queue fills to its bound, drops are counted, and what is kept is written later', async () => {
    const gone = new Database(databaseSettings('postgres://nobody@127.0.0.1:1/none', { acquireTimeoutMs: 50 }));
    let target = gone;
    const writer = new RequestLogWriter({ copy: (...given: Parameters<Database['copy']>) => target.copy(...given), transaction: (work: Parameters<Database['transaction']>[0]) => target.transaction(work) } as unknown as Database);
    const patient = new RequestLogQueue(writer, metrics as unknown as LogMetrics);
    const payload = 'p'.repeat(999_000);
    for (let index = 0; index < 70; index += 1) patient.record(aRequestLog({ requestBody: payload }));
    for (let index = 0; index < 20_000; index += 1) patient.record(aRequestLog());
    expect(metrics.drops).toEqual({ queue_full: 6 + 70 });
    await patient.flush();
    expect(metrics.depthNow).toBe(20_000);
    target = fixture.database;
    while (metrics.depthNow > 0) await patient.flush();
    const { rows } = await fixture.database.query<{ logs: string; payloads: string }>(
      'SELECT (SELECT count(*) FROM request_logs) AS logs, (SELECT count(*) FROM request_log_payloads) AS payloads',
    );
    expect({ ...rows[0], drops: metrics.drops }).toEqual({ logs: '20000', payloads: '64', drops: { queue_full: 6 + 70 } });
    await patient.onApplicationShutdown();
    await gone.close();
  }, 60_000);
});

describe('lists', () => {
  it('walk by cursor, newest first, over every row once', async () => {
    const startMs = Date.UTC(2026, 0, 15);
    await store(...Array.from({ length: 25 }, (_, index) => ({ receivedAtMs: startMs + index * 1_000 })));
    const seen: unknown[] = [];
    let cursor: string | null = null;
    do {
      const page = await reader.list({ limit: 10, ...(cursor === null ? {} : { cursor }) });
      seen.push(...page.data.map(({ received_at: at }) => at));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(seen).toHaveLength(25);
    expect(seen).toEqual([...seen].sort().reverse());
  });

  it('filter by everything, together', async () => {
    const atMs = Date.UTC(2026, 0, 15);
    const [plain, failed, other, retried] = await store(
      { receivedAtMs: atMs },
      { receivedAtMs: atMs + 1_000, status: 502, state: 'failed', errorCode: 'upstream_error', stream: false },
      {
        receivedAtMs: atMs + 2_000,
        organizationId: 'org_2',
        projectId: 'prj_2',
        keyId: 'key_2',
        provider: 'openai',
        servedModel: 'openai/gpt',
        requestedModel: 'gpt',
        tags: [],
        sessionId: 'ses_2',
      },
      { receivedAtMs: atMs + 3_000, fallback: 'openai/gpt' },
    );
    const ids = async (query: Parameters<RequestLogReader['list']>[0]) => (await reader.list(query)).data.map(({ id }) => id);
    expect(await ids({ organizationId: 'org_2' })).toEqual([other]);
    expect(await ids({ projectId: 'prj_1', keyId: 'key_1' })).toEqual([retried, failed, plain]);
    expect(await ids({ model: 'openai/gpt' })).toEqual([other]);
    expect(await ids({ model: 'anthropic/*' })).toEqual([retried, failed, plain]);
    expect(await ids({ provider: 'openai' })).toEqual([other]);
    expect(await ids({ status: '502' })).toEqual([failed]);
    expect(await ids({ status: '5xx', state: 'failed', errorCode: 'upstream_error' })).toEqual([failed]);
    expect(await ids({ status: 'error' })).toEqual([failed]);
    expect(await ids({ status: 'success', hasFallback: false })).toEqual([other, plain]);
    expect(await ids({ hasFallback: true })).toEqual([retried]);
    expect(await ids({ tag: 'team:a', stream: true })).toEqual([retried, plain]);
    expect(await ids({ sessionId: 'ses_2' })).toEqual([other]);
    expect(await ids({ fromMs: atMs + 1_000, toMs: atMs + 3_000 })).toEqual([other, failed]);
  });

  it('refuse what they do not understand', async () => {
    for (const query of [{ limit: 0 }, { limit: 201 }, { cursor: "x' OR 1=1" }, { status: 'nope' }, { fromMs: Number.NaN }]) {
      await expect(reader.list(query)).rejects.toMatchObject({ code: 'invalid_request' });
    }
  });

  it.each(['organization', 'project', 'key'])('stay on an index of ids: %s', async (scope) => {
    const plan = (await fixture.database.query(
      `SET enable_seqscan = off; SET enable_bitmapscan = off; EXPLAIN SELECT request_id FROM request_logs WHERE ${scope}_id = 'x' AND request_id < 'req_z' ORDER BY request_id DESC LIMIT 51`,
    )) as unknown as { rows: { 'QUERY PLAN': string }[] }[];
    const text = plan.flatMap(({ rows }) => rows.map((row) => row['QUERY PLAN'])).join('\n');
    expect(text).toContain(`Index Only Scan Backward using request_logs_by_${scope}`);
    expect(text).not.toContain('Sort');
  });
});

describe('jobs', () => {
  it('roll up by hour, the same however often they run', async () => {
    const clock = new ManualClock(Date.UTC(2026, 0, 15, 12, 30));
    await store(
      {},
      { status: 429, state: 'failed', chargedNanoUsd: 0n },
      { status: 503, state: 'failed' },
      { state: 'canceled', status: 499 },
      { receivedAtMs: Date.UTC(2026, 0, 15, 9) },
      { keyId: 'key_2' },
    );
    const job = new RollUpJob(fixture.database, NO_JOBS, clock);
    for (let round = 0; round < 2; round += 1) await job.run(CONTEXT);
    const { rows } = await fixture.database.query(
      'SELECT hour, key_id, requests, succeeded, client_errors, server_errors, canceled, prompt_tokens, charged_nano_usd FROM request_log_hours ORDER BY hour, key_id',
    );
    expect(
      rows.map((row) => [
        new Date(row['hour'] as string).getUTCHours(),
        row['key_id'],
        ...['requests', 'succeeded', 'client_errors', 'server_errors', 'canceled', 'prompt_tokens'].map((name) => Number(row[name])),
      ]),
    ).toEqual([
      [9, 'key_1', 1, 1, 0, 0, 0, 142],
      [12, 'key_1', 4, 1, 1, 1, 1, 568],
      [12, 'key_2', 1, 1, 0, 0, 0, 142],
    ]);
    await store({});
    await job.run(CONTEXT);
    const again = await fixture.database.query<{ sum: string }>('SELECT sum(requests) FROM request_log_hours');
    expect(again.rows[0]?.sum).toBe('7');
  });

  it('delete payloads after 30 days and records after 90', async () => {
    const nowMs = Date.UTC(2026, 5, 1);
    const ids = await store(
      { receivedAtMs: nowMs - 95 * DAY_MS, requestBody: 'old' },
      { receivedAtMs: nowMs - 40 * DAY_MS, requestBody: 'middle' },
      { receivedAtMs: nowMs - DAY_MS, requestBody: 'new' },
    );
    await new RetentionJob(fixture.database, NO_JOBS, new ManualClock(nowMs)).run(CONTEXT);
    const found = await Promise.all(ids.map((id) => reader.find(id)));
    expect(found.map((record) => (record === null ? null : record['payload'] !== null))).toEqual([null, false, true]);
  });
});
