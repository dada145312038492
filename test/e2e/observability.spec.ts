import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { user } from '../support/chat-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { rawCall } from '../support/raw-http.js';
import { nanoOf, Testbed } from '../support/testbed.js';
import { answers, fails } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;

/** What operators and customers can see of a request afterwards, and what nobody can. */
describe('observability', () => {
  let bed: Testbed;
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
    bed = await Testbed.start({ env: { DATABASE_URL: database.url }, providers: [{ id: 'watched' }, { id: 'spare' }] });
    await bed.declare([
      {
        name: 'model',
        served: { watched: answers({ text: 'served', usage: { prompt: 1000, completion: 200, cached: 400, reasoning: 50 } }) },
        facts: { price: { input: '3.00', output: '15.00', cache_read: '0.30' } },
      },
      { name: 'echo', served: { solo: answers({ echo: true }) } },
      { name: 'failing', served: { first: fails(503), second: answers('rescued') } },
      { name: 'broken', served: { solo: fails(500, { message: 'it broke' }) } },
    ]);
  });
  afterAll(async () => {
    await bed?.stop();
    await database?.drop();
  });

  const metrics = async (): Promise<string> => (await fetch(`${bed.gateway.url}/metrics`)).text();
  const valueOf = (text: string, name: string, ...labels: string[]): number =>
    text
      .split('\n')
      .filter((line) => line.startsWith(`${name}{`) && labels.every((label) => line.includes(label)))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' ') + 1)), 0);
  const v1 = async (path: string, key = bed.tenant.key): Promise<{ status: number; json: Json }> => {
    const answer = await fetch(`${bed.gateway.url}/v1/${path}`, { headers: { authorization: `Bearer ${key}` } });
    return { status: answer.status, json: (await answer.json()) as Json };
  };

  it('answer, log, ledger, metrics and the customer’s own view agree on tokens and cost', async () => {
    const before = await metrics();
    const balance = nanoOf((await bed.operator.get(`accounts/${bed.tenant.organizationId}`))['balance_usd']);
    const answer = await bed.client.chat({ model: 't/model', messages: user('Hello'), max_tokens: 300 });
    // 600 fresh, 400 cached, 200 out.
    const cost = 600n * 3_000n + 400n * 300n + 200n * 15_000n;
    expect(nanoOf(answer.headers['x-og-cost-usd'])).toBe(cost);
    expect(answer.json['usage']).toMatchObject({
      prompt_tokens: 1000,
      completion_tokens: 200,
      total_tokens: 1200,
      prompt_tokens_details: { cached_tokens: 400 },
      completion_tokens_details: { reasoning_tokens: 50 },
      cost: 0.00492,
    });
    const record = await bed.recordOf(answer);
    expect(nanoOf(record['cost_usd'])).toBe(cost);
    expect(record).toMatchObject({
      state: 'completed',
      status: 200,
      prompt_tokens: 1000,
      completion_tokens: 200,
      cached_tokens: 400,
      provider: 'watched',
      model: 't/model',
      stream: false,
    });
    const lines = (record['cost_details'] as { lines: Json[] }).lines;
    const classes = Object.fromEntries(lines.map((line) => [line['class'], line['quantity']]));
    expect(classes).toEqual({ input: 600, cache_read: 400, output: 150, reasoning: 50 });
    const own = await v1(`generation?id=${String(answer.headers['x-request-id'])}`);
    expect([own.status, own.json['cost_usd']]).toEqual([200, record['cost_usd']]);
    const after = await metrics();
    const grown = (name: string, ...labels: string[]): number => valueOf(after, name, ...labels) - valueOf(before, name, ...labels);
    expect(grown('og_tokens_total', 'token_class="input"')).toBe(600);
    expect(grown('og_tokens_total', 'token_class="cache_read"')).toBe(400);
    expect(grown('og_tokens_total', 'token_class="output"') + grown('og_tokens_total', 'token_class="reasoning"')).toBe(200);
    expect(grown('og_cost_usd_total', 'side="charged"')).toBeCloseTo(0.00492, 9);
    expect(grown('og_requests_total', 'http_status="200"', 'error_class="none"')).toBe(1);
    const account = await bed.operator.eventually(
      () => bed.operator.get(`accounts/${bed.tenant.organizationId}`),
      3_000,
      (row) => nanoOf(row['balance_usd']) === balance - cost,
    );
    expect(account).toMatchObject({ held_usd: '0' });
  });

  it('a record says who was asked, why, what was changed and where the time went', async () => {
    const answer = await bed.client.chat(
      { model: 't/failing', messages: user('Hello'), stream: true, max_tokens: 50 },
      {
        'x-og-tags': 'team-a, nightly',
        'x-og-session-id': 'session-9',
        'x-request-id': 'my-own-id-1',
        'x-stainless-retry-count': '2',
        'user-agent': 'spec/1.0',
      },
    );
    const record = await bed.recordOf(answer);
    expect(record).toMatchObject({
      fallback: null,
      tags: ['team-a', 'nightly'],
      session_id: 'session-9',
      client_request_id: 'my-own-id-1',
      client_retries: 2,
      user_agent: 'spec/1.0',
      attempts: [
        { number: 1, provider: 'first', outcome: 'error', status: 503, error_code: 'upstream_overloaded', kind: 'first' },
        { number: 2, provider: 'second', outcome: 'ok', kind: 'fallback' },
      ],
      candidates: [
        { provider: 'first', place: 1 },
        { provider: 'second', place: 2 },
      ],
    });
    const timings = record['timings'] as Record<string, number>;
    for (const stage of ['auth_ms', 'routing_ms', 'hold_ms', 'connect_ms', 'ttft_ms', 'generation_ms', 'settle_ms', 'total_ms'])
      expect([stage, typeof timings[stage]]).toEqual([stage, 'number']);
    expect(timings['ttft_ms']).toBeLessThanOrEqual(timings['total_ms'] ?? 0);
    expect(nanoOf(record['hold_usd'])).toBeGreaterThan(nanoOf(record['cost_usd']));
    expect(Object.values(record['states'] as Json).every((at) => at === null || !Number.isNaN(Date.parse(String(at))))).toBe(true);
    expect(record['states']).toMatchObject({ admitted_at: expect.any(String), forwarded_at: expect.any(String), ended_at: expect.any(String) });
  });

  it('a request that nobody could serve says why of each candidate', async () => {
    const key = await bed.key({ policy: { providers: { deny: ['first', 'second'] } } });
    const refused = await key.client.chat({ model: 't/failing', messages: user('Hello') });
    expect(refused.status).toBe(403);
    const record = await bed.operator.eventually(() => bed.operator.get(`requests/${String(refused.headers['x-request-id'])}`), 3_000);
    expect(record['candidates']).toEqual([
      expect.objectContaining({ provider: 'first', excluded: 'policy' }),
      expect.objectContaining({ provider: 'second', excluded: 'policy' }),
    ]);
  });

  it('a record belongs to its organization alone', async () => {
    const answer = await bed.client.chat({ model: 't/echo', messages: user('mine') });
    await bed.recordOf(answer);
    const stranger = await bed.operator.tenant({ creditUsd: '1' });
    const id = String(answer.headers['x-request-id']);
    expect(await v1(`generation?id=${id}`, stranger.key)).toMatchObject({ status: 404, json: { error: { code: 'not_found' } } });
    expect(await v1('generation?id=req_nothing', stranger.key)).toMatchObject({ status: 404 });
    expect(await v1('generation', stranger.key)).toMatchObject({ status: 400, json: { error: { param: 'id' } } });
  });

  it('errors carry the id under which they are logged, and what the provider said', async () => {
    const answer = await bed.client.chat({ model: 't/broken', messages: user('Hello') });
    expect((answer.json['error'] as Json)['request_id']).toBe(answer.headers['x-request-id']);
    expect((answer.json['error'] as Json)['metadata']).toMatchObject({ upstream: { provider: 'solo', status: 500 } });
    expect(await bed.recordOf(answer)).toMatchObject({
      status: 502,
      error_code: 'upstream_error',
      attempts: [expect.objectContaining({ error_message: expect.stringContaining('it broke') })],
    });
    const bad = await bed.client.chat({ model: 't/broken', messages: [] });
    const record = await bed.operator.eventually(() => bed.operator.get(`requests/${String(bad.headers['x-request-id'])}`), 3_000);
    expect(record).toMatchObject({ status: 400, error_code: 'invalid_request', cost_usd: '0', attempts: [] });
  });

  describe('/metrics', () => {
    const FAMILIES = [
      'og_requests_total',
      'og_upstream_attempts_total',
      'og_fallbacks_total',
      'og_tokens_total',
      'og_cost_usd_total',
      'og_usage_estimated_total',
      'og_stream_terminations_total',
      'og_inflight_requests',
      'og_gateway_overhead_seconds',
      'gen_ai_server_request_duration_seconds',
      'gen_ai_server_time_to_first_token_seconds',
      'gen_ai_client_operation_duration_seconds',
      'og_ratelimit_rejections_total',
      'og_auth_failures_total',
      'og_circuit_state',
      'og_ledger_imbalance_usd',
      'og_ledger_settlement_lag_seconds',
      'og_ledger_holds_usd',
      'og_log_queue_depth',
      'og_log_dropped_total',
      'og_config_info',
      'og_config_last_reload_successful',
      'og_build_info',
      'og_job_runs_total',
      'process_cpu_seconds_total',
      'nodejs_eventloop_lag_seconds',
    ];

    it('has the families that operators watch, each with help and type', async () => {
      const text = await metrics();
      for (const family of FAMILIES)
        expect([
          family,
          new RegExp(`^# HELP ${family} \\S`, 'm').test(text),
          new RegExp(`^# TYPE ${family} (counter|gauge|histogram|summary)$`, 'm').test(text),
        ]).toEqual([family, true, true]);
    });

    it('a thousand invented models are one series', async () => {
      const invent = (count: number): Promise<unknown> =>
        Promise.all(Array.from({ length: count }, (_, at) => bed.client.chat({ model: `invented/${at}-${Math.random()}`, messages: user('x') })));
      await invent(1);
      const before = seriesOf(await metrics());
      for (let round = 0; round < 20; round += 1) await invent(50);
      const text = await metrics();
      const known = new Set(before);
      expect(seriesOf(text).filter((series) => !known.has(series) && !/_job_|_db_|nodejs_|process_/.test(series))).toEqual([]);
      expect(text).not.toContain('invented/');
      expect(valueOf(text, 'og_requests_total', 'http_status="404"', 'model="_unknown"')).toBeGreaterThanOrEqual(1_001);
    });

    it('never names a key, an organization or a request', async () => {
      const text = await metrics();
      for (const secret of [bed.tenant.key, bed.tenant.keyId, bed.tenant.organizationId, bed.tenant.projectId, 'req_', 'upstream-key'])
        expect(text).not.toContain(secret);
    });

    it('is for the operator and for programs on this machine, not for who comes through a proxy', async () => {
      const call = (headers: Record<string, string>): Promise<{ status: number }> => rawCall(bed.gateway.url, { path: '/metrics', headers });
      expect((await call({})).status).toBe(200);
      for (const header of ['x-forwarded-for', 'forwarded', 'via']) expect((await call({ [header]: '1.2.3.4' })).status).toBe(401);
      expect((await call({ 'x-forwarded-for': '1.2.3.4', authorization: `Bearer ${bed.gateway.bootstrap.admin_token}` })).status).toBe(200);
      expect((await call({ 'x-forwarded-for': '1.2.3.4', authorization: `Bearer ${bed.tenant.key}` })).status).toBe(401);
    });
  });

  describe('payloads', () => {
    const stored = async (policy: Json, headers: Record<string, string> = {}, stream = false): Promise<{ canary: string; record: Json }> => {
      const canary = `canary${Math.random().toString(36).slice(2)}`;
      const { client } = await bed.key({ policy });
      const answer = await client.chat({ model: 't/echo', messages: user(canary), stream }, headers);
      expect(answer.text).toContain(canary);
      return { canary, record: await bed.recordOf(answer) };
    };

    it.each([true, false])('store: full keeps them (stream: %s)', async (stream) => {
      const { canary, record } = await stored({ store: 'full' }, {}, stream);
      expect(record['payload']).toMatchObject({ request: expect.stringContaining(canary), response: expect.stringContaining(canary) });
      expect(await inDatabase(canary)).not.toEqual([]);
    });

    it.each<[string, Json, Record<string, string>]>([
      ['store: metadata', { store: 'metadata' }, {}],
      ['store: none', { store: 'none' }, {}],
      ['nothing said', {}, {}],
      ['full, but the client asks for none', { store: 'full' }, { 'x-og-store': 'none' }],
      ['metadata, although the client asks for full', { store: 'metadata' }, { 'x-og-store': 'full' }],
    ])('%s: in no table, no file, no line of the log', async (_name, policy, headers) => {
      const { canary, record } = await stored(policy, headers);
      expect(record['payload'] ?? null).toBeNull();
      expect(nanoOf(record['cost_usd'])).toBeGreaterThan(0n);
      expect(await inDatabase(canary)).toEqual([]);
      expect(bed.gateway.output()).not.toContain(canary);
      expect(filesWith(bed.gateway.dataDirectory, canary)).toEqual([]);
    });
  });

  it('every line of the log is one JSON object, without keys or secrets, whatever clients send', async () => {
    const evil = 'a\u001b[31mred\u2028line","level":"fatal';
    await bed.client.chat({ model: evil, messages: user('x'), user: evil }, { 'user-agent': 'x","msg":"forged' });
    await rawCall(bed.gateway.url, { path: `/v1/models/${encodeURIComponent(evil)}`, headers: { authorization: 'Bearer sk-og-secretlooking0123456789' } });
    const lines = bed.gateway
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow();
    const output = bed.gateway.output();
    for (const secret of [bed.tenant.key, bed.gateway.bootstrap.admin_token, 'upstream-key', 'secretlooking0123456789', '\u001b[31m'])
      expect([secret.slice(0, 8), output.includes(secret)]).toEqual([secret.slice(0, 8), false]);
  });

  it('GET /v1/models names what was measured, and answers 304 to who knows it', async () => {
    await bed.client.chat({ model: 't/model', messages: user('x') });
    expect((await v1('models/t/model')).json).toMatchObject({
      id: 't/model',
      object: 'model',
      measured: { p50_ms: expect.any(Number), availability: expect.any(Number) },
    });
    expect((await v1('models/t%2Fmodel')).json).toMatchObject({ id: 't/model' });
    const first = await rawCall(bed.gateway.url, { path: '/v1/models', headers: { authorization: `Bearer ${bed.tenant.key}` } });
    const again = await rawCall(bed.gateway.url, {
      path: '/v1/models',
      headers: { authorization: `Bearer ${bed.tenant.key}`, 'if-none-match': String(first.headers.etag) },
    });
    expect([first.status, again.status, again.text]).toEqual([200, 304, '']);
    const models = first.json['data'] as Json[];
    const ids = models.map((model) => String(model['id']));
    expect([...ids].sort()).toEqual(ids);
    const chatIds = models.filter((model) => (model['endpoints'] as string[]).includes('chat')).map((model) => String(model['id']));
    expect(chatIds.length).toBeGreaterThan(10);
    for (const id of chatIds.filter((name) => name.startsWith('sandbox/') && !/error|stall|cut|slow|flaky/.test(name))) {
      const answer = await bed.client.chat({
        model: id,
        messages: user('Hello'),
        tools: id.endsWith('tools') ? [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }] : undefined,
      });
      expect([id, answer.status]).toEqual([id, 200]);
    }
  });

  async function inDatabase(needle: string): Promise<string[]> {
    const { rows: tables } = await database.database.query<{ name: string }>(
      "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')",
    );
    const found: string[] = [];
    for (const { name } of tables) {
      const { rows } = await database.database.query<{ count: string }>(`SELECT count(*) AS count FROM ${name} AS t WHERE t::text LIKE '%' || $1 || '%'`, [
        needle,
      ]);
      if (rows[0]?.count !== '0') found.push(name);
    }
    return found;
  }
});

/** Names with labels, without values. */
function seriesOf(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
}

function filesWith(directory: string, needle: string): string[] {
  return readdirSync(directory, { recursive: true, encoding: 'utf8' })
    .map((name) => join(directory, name))
    .filter((path) => statSync(path).isFile() && readFileSync(path).includes(needle));
}
