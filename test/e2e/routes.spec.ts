import { user } from '../support/chat-client.js';
import { Testbed } from '../support/testbed.js';
import { answers, fails } from '../support/upstream-simulator/index.js';
import { main } from '../../src/cli/main.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const body = (model: string, more: Json = {}): Json => ({ model, max_tokens: 50, messages: user('Hello'), ...more });

/** Routes as configuration: drafted, judged, explained, published, explained again, rolled back; experiments and what the log says. */
describe('routes', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start();
    await bed.declare([
      { name: 'asked', served: { solo: answers('from asked') } },
      { name: 'other', served: { first: answers('from other') } },
      { name: 'poor', served: { second: answers('from poor') } },
      { name: 'dead', served: { solo: fails(500) } },
      { name: 'filter', served: { solo: fails(400, { message: 'The response was filtered by the content management policy.', code: 'content_filter' }) } },
      { name: 'short', served: { solo: fails(400, { message: "This model's maximum context length is 10 tokens.", code: 'context_length_exceeded' }) }, facts: { capabilities: { context_window: 5_000 } } },
      { name: 'wide', served: { first: answers('from wide') }, facts: { capabilities: { context_window: 50_000 } } },
    ]);
  });
  afterAll(() => bed?.stop());

  const publish = async (routes: Json[]): Promise<Json> => {
    const draft = await bed.operator.post('routes/drafts', { routes });
    return bed.operator.post(`routes/drafts/${String(draft['id'])}/publish`, { force: true });
  };
  const refusal = async (path: string, sent: Json): Promise<{ status: number; error: Json }> => {
    const authorization = `Bearer ${bed.gateway.bootstrap.admin_token}`;
    const answer = await fetch(`${bed.gateway.url}/admin/v1/${path}`, { method: 'POST', headers: { authorization, 'content-type': 'application/json' }, body: JSON.stringify(sent) });
    return { status: answer.status, error: ((await answer.json()) as { error: Json }).error };
  };
  const og = async (...words: string[]): Promise<{ code: number; text: string }> => {
    const text: string[] = [];
    const write = jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => text.push(String(chunk)) > 0);
    try {
      const code = await main(words, { OG_URL: bed.gateway.url, OG_ADMIN_TOKEN: bed.gateway.bootstrap.admin_token });
      return { code, text: text.join('') };
    } finally {
      write.mockRestore();
    }
  };

  const metrics = async (): Promise<string> =>
    (await fetch(`${bed.gateway.url}/metrics`, { headers: { authorization: `Bearer ${bed.gateway.bootstrap.admin_token}` } })).text();

  it('a draft rules nothing, says what is wrong with it, is explained, published and rolled back', async () => {
    await publish([]);
    const faulty = await bed.operator.post('routes/drafts', {
      routes: [
        { name: 'all' },
        { name: 'never', match: { model: 't/asked' }, strategy: { weighted: { a: { weight: 1, to: 'nobody' } } } },
        { name: 'bad', fallbacks: [{ model: 't/nowhere' }] },
        { name: 'worse', strateggy: 'cost' },
      ],
      note: 'a try',
    });
    expect(faulty).toMatchObject({ state: 'draft', note: 'a try', validation: { ok: false } });
    const { errors, warnings } = faulty['validation'] as { errors: Json[]; warnings: Json[] };
    expect(errors.map(({ param }) => param)).toEqual(['routes[2].fallbacks[0].model', 'routes[3].strateggy']);
    expect(warnings.map(({ param }) => param)).toEqual(['routes[1].match', 'routes[1].strategy.weighted.a']);
    const refused = await refusal(`routes/drafts/${String(faulty['id'])}/publish`, {});
    expect([refused.status, refused.error['param']]).toEqual([400, 'routes[3].strateggy']);

    const routes = [{ name: 'to-other', match: { model: 't/dead' }, fallbacks: [{ model: 't/other', class: 'equivalent' }] }];
    const id = String((await bed.operator.patch(`routes/drafts/${String(faulty['id'])}`, { routes }))['id']);
    const request = { model: 't/dead', messages: user('Hi') };
    expect(await bed.operator.post('routes/explain', { request })).toMatchObject({ route: null, candidates: [{ model: 't/dead', place: 1 }] });
    expect(await bed.operator.post('routes/explain', { request, draft_id: id })).toMatchObject({ route: 'to-other', candidates: [{ place: 1 }, { model: 't/other', place: 2 }] });
    expect((await bed.client.chat(body('t/dead'))).status).toBe(502);

    const published = await bed.operator.post(`routes/drafts/${id}/publish`, {});
    expect(published).toMatchObject({ changes: [{ action: 'create', kind: 'route', id: 'to-other' }], draft: { state: 'published', published_version: published['version'] } });
    const served = await bed.client.chat(body('t/dead'));
    expect([served.status, served.headers['x-og-fallback'], served.headers['x-og-model']]).toEqual([200, 'equivalent fallback of route to-other', 't/other']);
    expect((await refusal(`routes/drafts/${id}/publish`, {})).status).toBe(409);

    const versions = (await bed.operator.get('routes/versions'))['data'] as Json[];
    expect(versions[0]).toMatchObject({ version: published['version'], source: `draft ${id}` });
    await bed.operator.post('routes/rollback', {});
    expect(await bed.operator.get('routes')).toMatchObject({ data: [] });
    expect((await bed.client.chat(body('t/dead'))).status).toBe(502);
    const audit = (await bed.operator.get('audit-log?limit=5'))['data'] as Json[];
    expect(audit.map(({ action, outcome }) => [action, outcome])).toEqual(expect.arrayContaining([['POST routes/rollback', 'done'], ['POST routes/drafts/:id/publish', 'refused']]));
  });

  it('a draft made from routes that have changed since is not published unless forced', async () => {
    await publish([{ name: 'one' }]);
    const draft = String((await bed.operator.post('routes/drafts', { routes: [{ name: 'mine' }] }))['id']);
    await publish([{ name: 'theirs' }]);
    const refused = await refusal(`routes/drafts/${draft}/publish`, {});
    expect([refused.status, refused.error['code']]).toEqual([409, 'conflict']);
    expect(await bed.operator.post(`routes/drafts/${draft}/publish`, { force: true })).toMatchObject({ changes: expect.arrayContaining([expect.objectContaining({ id: 'mine' })]) });
  });

  it('a degraded substitute only for who asks for it, or whose key does', async () => {
    await publish([{ name: 'r', match: { model: 't/dead' }, fallbacks: [{ model: 't/poor', class: 'degraded' }] }]);
    expect((await bed.client.chat(body('t/dead'))).status).toBe(502);
    const asked = await bed.client.chat(body('t/dead'), { 'x-og-allow-degraded': 'true' });
    expect([asked.status, asked.headers['x-og-model']]).toEqual([200, 't/poor']);
    const key = await bed.key({ policy: { substitution: 'degraded' } });
    expect((await key.client.chat(body('t/dead'))).status).toBe(200);
    expect((await key.client.chat(body('t/dead'), { 'x-og-no-fallback': 'true' })).status).toBe(502);
    const strict = await bed.key({ policy: { substitution: 'none' } });
    expect((await strict.client.chat(body('t/dead'), { 'x-og-allow-degraded': 'true' })).status).toBe(502);
    const shown = (await (await fetch(`${bed.gateway.url}/v1/key`, { headers: { authorization: `Bearer ${strict.key}` } })).json()) as Json;
    expect(shown['policy']).toMatchObject({ substitution: 'none' });
  });

  it.each([
    ['t/filter', 't/other', 'content_filter', 'content_policy_violation'],
    ['t/short', 't/wide', 'context_length', 'context_length_exceeded'],
  ])('%s is answered by %s only where the route says %s', async (model, fallback, word, code) => {
    const route = { name: 'r', match: { model }, fallbacks: [{ model: fallback, class: 'equivalent' }] };
    await publish([route]);
    const refused = await bed.client.chat(body(model));
    expect([refused.status, (refused.json['error'] as Json)['code']]).toEqual([400, code]);
    await publish([{ ...route, fallback_on: [word] }]);
    const answered = await bed.client.chat(body(model));
    expect([answered.status, answered.headers['x-og-model'], answered.headers['x-og-attempts']]).toEqual([200, fallback, '2']);
  });

  it('a logged decision can be followed, and made again as things stand today', async () => {
    await publish([{ name: 'chat', match: { model: 't/dead' }, fallbacks: [{ model: 't/other', class: 'equivalent' }] }]);
    const answer = await bed.client.chat(body('t/dead'), { 'x-og-session-id': 'ses' });
    const id = String(answer.headers['x-request-id']);
    const record = await bed.recordOf(answer);
    expect(record).toMatchObject({ route: 'chat', routing: { models: ['t/dead'], affinity: { source: 'session' }, no_fallback: false } });
    const told = await og('explain', id);
    expect(told.code).toBe(0);
    expect(told.text).toMatch(/asked for t\/dead[^\n]*\nroute chat · strategy balanced · kept together by session\n/);
    expect(told.text).toMatch(/1\. solo \(first\): error 500 upstream_error after \d+ ms\n\s+2\. first \(fallback\): answered/);
    expect(told.text).toContain('the client got 200: first was asked last, for t/other (equivalent fallback of route chat)');

    await publish([{ name: 'elsewhere', match: { model: 't/dead' }, fallbacks: [{ model: 't/poor', class: 'equivalent' }] }]);
    const again = await bed.operator.post('routes/explain', { request_id: id });
    expect(again).toMatchObject({ request_id: id, key_known: true, route: 'elsewhere', then: { route: 'chat', served_model: 't/other', status: 200 } });
    expect((again['candidates'] as Json[]).map(({ model }) => model)).toEqual(['t/dead', 't/poor']);
    expect((await og('explain', id, '--again')).text).toContain('equivalent fallback of route elsewhere');
  });

  it('the command line drafts, validates, publishes and rolls back', async () => {
    await publish([{ name: 'before' }]);
    const draft = JSON.parse((await og('routes', 'draft', '--json')).text) as Json;
    expect(draft['routes']).toEqual([expect.objectContaining({ name: 'before' })]);
    const id = String(draft['id']);
    expect((await og('routes', 'validate', id)).code).toBe(0);
    await bed.operator.patch(`routes/drafts/${id}`, { routes: [{ name: 'after' }] });
    expect((await og('routes', 'publish', id)).text).toMatch(/create\s+after/);
    expect((await og('routes', 'list')).text).toContain('name: after');
    expect((await og('routes', 'versions')).text).toContain(`draft ${id}`);
    expect((await og('routes', 'rollback')).code).toBe(0);
    expect((await og('routes', 'list')).text).toContain('name: before');
  });

  it('arms of an experiment: another model for some sessions, the same for a session, and results by arm', async () => {
    const arms = { control: { weight: 1, to: 't/asked' }, challenger: { weight: 1, to: 't/other' } };
    await publish([{ name: 'ab', match: { model: 't/asked' }, strategy: { weighted: arms } }]);
    const seen = new Map<string, number>();
    for (let index = 0; index < 12; index += 1) {
      const [one, two] = [await bed.client.chat(body('t/asked'), { 'x-og-session-id': `s${index}` }), await bed.client.chat(body('t/asked'), { 'x-og-session-id': `s${index}` })];
      expect(one.headers['x-og-model']).toBe(two.headers['x-og-model']);
      expect(one.headers['x-og-fallback']).toBe(one.headers['x-og-model'] === 't/other' ? 'arm challenger of route ab' : undefined);
      const model = String(one.headers['x-og-model']);
      seen.set(model, (seen.get(model) ?? 0) + 2);
    }
    expect([...seen.keys()].sort()).toEqual(['t/asked', 't/other']);
    const results = await bed.operator.eventually(
      () => bed.operator.get('routes/results?route=ab'),
      5_000,
      ({ arms: list }) => (list as Json[]).reduce((sum, { requests }) => sum + Number(requests), 0) === 24,
    );
    expect(results['arms']).toEqual([
      expect.objectContaining({ name: 'challenger', requests: seen.get('t/other'), success_rate: 1, ttft_p95_ms: null, cached_token_rate: 0 }),
      expect.objectContaining({ name: 'control', requests: seen.get('t/asked'), success_rate: 1, p95_ms: expect.any(Number) }),
    ]);
    expect((await og('routes', 'results', 'ab')).text).toMatch(/arm\s+challenger\s+\d+\s+1\s/);
  });

  it('copies: within their own budget, unseen by client, account and log', async () => {
    bed.simulator.on('other.first', fails(500));
    const shadow = { to: 't/other', share: 1, budget_usd: '0.05' };
    await publish([{ name: 'copied', match: { model: 't/asked' }, shadow }]);
    const before = await bed.operator.get(`accounts/${bed.tenant.organizationId}`);
    const failed = await bed.client.chat(body('t/asked'));
    expect([failed.status, failed.headers['x-og-attempts'], failed.headers['x-og-model']]).toEqual([200, '1', 't/asked']);
    const shadowsOf = async (count: number): Promise<Json> => {
      const results = await bed.operator.eventually(() => bed.operator.get('routes/results?route=copied'), 5_000, ({ shadows }) => Number((shadows as Json[])[0]?.['requests'] ?? 0) >= count);
      return (results['shadows'] as Json[])[0] as Json;
    };
    expect(await shadowsOf(1)).toMatchObject({ name: 't/other', requests: 1, succeeded: 0 });
    bed.simulator.on('other.first', answers({ text: 'from other', usage: { prompt: 1000, completion: 1000 } }));
    const answered = await bed.client.chat(body('t/asked', { stream: true }));
    expect(answered.status).toBe(200);
    const seen = await shadowsOf(2);
    expect(seen).toMatchObject({ requests: 2, succeeded: 1, charged_usd: '0' });
    expect(Number(seen['provider_cost_usd'])).toBeGreaterThan(0);
    const charged = Number((await bed.recordOf(failed))['cost_usd']) + Number((await bed.recordOf(answered))['cost_usd']);
    await bed.settled();
    const after = await bed.operator.get(`accounts/${bed.tenant.organizationId}`);
    expect(Number(before['balance_usd']) - Number(after['balance_usd'])).toBeCloseTo(charged, 9);
    expect((await bed.recordOf(answered))['attempts']).toHaveLength(1);

    await publish([{ name: 'copied', match: { model: 't/asked' }, shadow: { ...shadow, budget_usd: '0.000000001' } }]);
    const asked = bed.asked('other').length;
    await bed.client.chat(body('t/asked'));
    await bed.operator.eventually(async () => (await metrics()).includes('og_shadow_copies_total{route="copied",outcome="budget"} 1'), 5_000, Boolean);
    expect(bed.asked('other')).toHaveLength(asked);
    const pinned = await bed.key({ policy: { models: { deny: ['t/other'] } } });
    await publish([{ name: 'copied', match: { model: 't/asked' }, shadow }]);
    await pinned.client.chat(body('t/asked'));
    await bed.operator.eventually(async () => (await metrics()).includes('og_shadow_copies_total{route="copied",outcome="nobody"} 1'), 5_000, Boolean);
    expect(bed.asked('other')).toHaveLength(asked);
  });

  it('a route’s own limits hold for everybody together, and a refused request costs its key nothing', async () => {
    await publish([{ name: 'narrow', match: { model: 't/asked' }, limits: { rpm: 3 } }]);
    const keys = [await bed.key({ limits: { rpm: 100 } }), await bed.key({ limits: { rpm: 100 } })] as const;
    const answersOf = await Promise.all([0, 1, 0, 1, 0, 1].map((index) => (keys[index] as (typeof keys)[0]).client.chat(body('t/asked'))));
    expect(answersOf.map(({ status }) => status).sort()).toEqual([200, 200, 200, 429, 429, 429]);
    const refused = answersOf.find(({ status }) => status === 429);
    expect(refused?.json['error']).toMatchObject({ code: 'rate_limit_exceeded', message: expect.stringContaining('route narrow is limited to 3 requests per minute') });
    const used = await Promise.all(
      keys.map(async ({ key }) => ((await (await fetch(`${bed.gateway.url}/v1/key`, { headers: { authorization: `Bearer ${key}` } })).json()) as { limits: Json[] }).limits[0]?.['used']),
    );
    expect(used.reduce<number>((sum, count) => sum + Number(count), 0)).toBe(3);
    expect((await bed.client.chat(body('t/other'))).status).toBe(200);
  });

  it('what a prompt cache saved stands in the record and in the metrics', async () => {
    const price = { input: '3.00', output: '15.00', cache_read: '0.30' };
    await bed.model('cached', { solo: answers({ text: 'x', usage: { prompt: 1000, completion: 10, cached: 800 } }) }, { price });
    const record = await bed.recordOf(await bed.client.chat(body('t/cached')));
    expect(record).toMatchObject({ cached_tokens: 800, cache_saved_usd: '0.00216' });
    expect(await metrics()).toMatch(/og_cache_effect_usd_total\{zone="local",model="t\/cached",provider="solo",side="saved"\} 0\.00216/);
  });

  it('a refusal can be followed, too', async () => {
    const key = await bed.key({ policy: { models: { deny: ['t/asked'] } } });
    const refused = await key.client.chat(body('t/asked'));
    const id = String(refused.headers['x-request-id']);
    await bed.operator.eventually(() => bed.operator.get(`requests/${id}`), 3_000);
    const told = await og('explain', id);
    expect(told.text).toContain('the client got 403 model_not_allowed: nobody was asked');
    expect(told.text).toContain(`\`models.deny\` of key ${key.id}`);
    const again = await bed.operator.post('routes/explain', { request_id: id });
    expect(again).toMatchObject({ key_known: true, refusal: { status: 403, code: 'model_not_allowed' }, candidates: [{ excluded: 'policy' }] });
    expect((await refusal('routes/explain', { request_id: 'req_none' })).status).toBe(404);
    expect((await refusal('routes/explain', {})).error['param']).toBe('request');
    const streamed = await og('explain', '-m', 't/asked', '--stream', '--tokens', '5', '--endpoint', 'chat');
    expect([streamed.code, streamed.text]).toEqual([0, expect.stringMatching(/1\.\s+solo\s+t\/asked/)]);
    await bed.model('spoken', { solo: answers('x') }, { endpoints: ['embeddings'] });
    expect((await og('explain', '-m', 't/spoken')).text).toContain('does not serve chat');
    expect((await og('explain', '-m', 't/spoken', '--endpoint', 'embeddings')).text).toMatch(/1\.\s+solo\s+t\/spoken/);
  });
});
