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
});
