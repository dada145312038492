import { setTimeout as sleep } from 'node:timers/promises';
import type { ChatAnswer } from '../support/chat-client.js';
import { ChatClient, user } from '../support/chat-client.js';
import { framesOf, PRICE, Testbed } from '../support/testbed.js';
import { answers, fails, type Scenario } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;
const body = (model: string, more: Json = {}): Json => ({ model, max_tokens: 100, messages: user('Hello'), ...more });
const IMAGE = [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] }];
const SOUND = [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'UklGRg==', format: 'wav' } }] }];
const TOOLS = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }];

/** What a key may do, decided before a provider is asked or money is held. */
describe('policies', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({
      providers: [
        { id: 'korea', zones: ['kr'], health: 'off' },
        { id: 'japan', zones: ['jp'], health: 'off' },
        { id: 'groq-like', type: 'groq', health: 'off' },
      ],
    });
    const facts = { price: { ...PRICE, audio_in: '10.00', audio_out: '20.00' }, capabilities: { max_output: 1000, tools: true, vision: true, reasoning: true, json_schema: true, audio_input: true, audio_output: true, image_output: true } };
    await bed.declare([
      { name: 'model', served: { solo: answers('served') }, facts: { ...facts, class: 'premium', aliases: ['t/alias'] } },
      { name: 'classless', served: { solo: answers('served') }, facts },
      { name: 'korean', served: { korea: answers('served in kr') }, facts },
      { name: 'either', served: { korea: answers('served in kr'), japan: answers('served in jp') }, facts },
      { name: 'vendor', served: { 'groq-like': answers('served') }, facts },
      { name: 'dear', served: { solo: answers('served') }, facts: { ...facts, price: { input: '30.00', output: '150.00' } } },
    ]);
  });
  afterAll(() => bed?.stop());

  interface Refusal {
    rule: string;
    policy: Json;
    request: Json;
    code: string;
    /** The same key may do this. */
    allowed?: Json;
  }

  const REFUSALS: readonly Refusal[] = [
    { rule: 'models.allow', policy: { models: { allow: ['other/*'] } }, request: body('t/model'), code: 'model_not_allowed' },
    { rule: 'models.deny', policy: { models: { deny: ['t/mod*'] } }, request: body('t/model'), code: 'model_not_allowed', allowed: body('t/classless') },
    { rule: 'models.deny', policy: { models: { deny: ['t/model'] } }, request: body('t/alias'), code: 'model_not_allowed' },
    { rule: 'classes.allow', policy: { classes: { allow: ['economy'] } }, request: body('t/model'), code: 'class_not_allowed' },
    { rule: 'classes.allow', policy: { classes: { allow: ['premium'] } }, request: body('t/classless'), code: 'class_not_allowed', allowed: body('t/model') },
    { rule: 'classes.deny', policy: { classes: { deny: ['prem*'] } }, request: body('t/model'), code: 'class_not_allowed', allowed: body('t/classless') },
    { rule: 'streaming', policy: { streaming: false }, request: body('t/model', { stream: true }), code: 'streaming_not_allowed', allowed: body('t/model') },
    { rule: 'capabilities.tools', policy: { capabilities: { tools: false } }, request: body('t/model', { tools: TOOLS }), code: 'capability_not_allowed', allowed: body('t/model') },
    { rule: 'capabilities.vision', policy: { capabilities: { vision: false } }, request: body('t/model', { messages: IMAGE }), code: 'capability_not_allowed', allowed: body('t/model') },
    { rule: 'capabilities.reasoning', policy: { capabilities: { reasoning: false } }, request: body('t/model', { reasoning_effort: 'high' }), code: 'capability_not_allowed', allowed: body('t/model') },
    { rule: 'capabilities.audio', policy: { capabilities: { audio: false } }, request: body('t/model', { messages: SOUND }), code: 'capability_not_allowed', allowed: body('t/model') },
    { rule: 'capabilities.images', policy: { capabilities: { images: false } }, request: body('t/model', { modalities: ['text', 'image'] }), code: 'capability_not_allowed', allowed: body('t/model') },
    { rule: 'max_price.input', policy: { max_price: { input: '10.00' } }, request: body('t/dear'), code: 'price_not_allowed', allowed: body('t/model') },
    { rule: 'max_price.output', policy: { max_price: { output: '20' } }, request: body('t/dear'), code: 'price_not_allowed', allowed: body('t/model') },
    { rule: 'zones', policy: { zones: ['jp'] }, request: body('t/korean'), code: 'zone_not_allowed', allowed: body('t/either') },
    { rule: 'zones', policy: { zones: ['jp'] }, request: body('t/model'), code: 'zone_not_allowed' },
    { rule: 'providers.allow', policy: { providers: { allow: ['korea'] } }, request: body('t/model'), code: 'provider_not_allowed', allowed: body('t/either') },
    { rule: 'providers.deny', policy: { providers: { deny: ['solo'] } }, request: body('t/model'), code: 'provider_not_allowed', allowed: body('t/either') },
    { rule: 'providers.deny', policy: { providers: { deny: ['groq'] } }, request: body('t/vendor'), code: 'provider_not_allowed', allowed: body('t/model') },
    { rule: 'ips', policy: { ips: ['10.0.0.0/8'] }, request: body('t/model'), code: 'ip_not_allowed' },
    { rule: 'schedule', policy: { schedule: closedNow() }, request: body('t/model'), code: 'schedule_not_allowed' },
  ];

  it.each(REFUSALS.map((refusal) => [refusal.rule, refusal.code, refusal] as const))('%s → 403 %s: nothing sent, held or counted', async (rule, code, { policy, request, allowed }) => {
    const key = await bed.key({ policy, limits: { rpm: 5 } });
    const sentBefore = bed.simulator.requests.length;
    for (let round = 0; round < 2; round += 1) {
      const refused = await key.client.chat(request);
      expect([refused.status, errorOf(refused)['code']]).toEqual([403, code]);
      expect(errorOf(refused)).toMatchObject({ type: 'permission_error', message: expect.stringMatching(new RegExp(`${rule.replace('.', '\\.')}.*key ${key.id}`)) });
      expect([refused.headers['x-should-retry'], refused.headers['retry-after']]).toEqual(['false', undefined]);
    }
    expect(bed.simulator.requests.length).toBe(sentBefore);
    if (allowed !== undefined) {
      const answer = await key.client.chat(allowed);
      expect([answer.status, answer.headers['x-ratelimit-remaining-requests']]).toEqual([200, '4']);
    }
    const known = (await (await fetch(`${bed.gateway.url}/v1/key`, { headers: { authorization: `Bearer ${key.key}` } })).json()) as { limits: Json[] };
    expect(known.limits).toEqual([expect.objectContaining({ limit: 'rpm', limit_count: 5, used: allowed === undefined ? 0 : 1 })]);
  });

  it('what is refused after its limits were taken has given them back before its error leaves', async () => {
    const { key } = await bed.operator.tenant({ key: { limits: { rpm: 5, tpm: 100_000 } } });
    const broke = new ChatClient(bed.gateway.url, key);
    for (let round = 0; round < 2; round += 1) {
      const refused = await broke.chat(body('t/model'));
      expect([refused.status, errorOf(refused)['code']]).toEqual([402, 'insufficient_credits']);
      expect(refused.headers).toMatchObject({ 'x-ratelimit-remaining-requests': '5', 'x-ratelimit-remaining-tokens': '100000' });
    }
  });

  it('a refusal is logged with its status, costs nothing and holds nothing', async () => {
    const key = await bed.key({ policy: { models: { deny: ['*'] } } });
    const refused = await key.client.chat(body('t/model'));
    const record = await bed.operator.eventually(() => bed.operator.get(`requests/${String(refused.headers['x-request-id'])}`), 3_000);
    expect(record).toMatchObject({ status: 403, error_code: 'model_not_allowed', cost_usd: '0', hold_usd: '0', attempts: [] });
    expect(await bed.settled()).toMatchObject({ ok: true });
  });

  it('layers only narrow: project and organization refuse what the key allows, and are named', async () => {
    const organization = await bed.operator.post('organizations', { name: 'strict', policy: { models: { deny: ['t/dear'] } } });
    await bed.operator.post('credits', { organization_id: organization['id'], amount_usd: '1', reason: 'test' });
    const project = await bed.operator.post('projects', { organization_id: organization['id'], name: 'stricter', policy: { streaming: false } });
    const key = await bed.operator.post('keys', { project_id: project['id'], name: 'generous', policy: { models: { allow: ['*'] }, streaming: true } });
    const client = bed.clientOf(String(key['key']));
    expect(errorOf(await client.chat(body('t/dear')))['message']).toContain(`organization ${String(organization['id'])}`);
    expect(errorOf(await client.chat(body('t/model', { stream: true })))['message']).toContain(`project ${String(project['id'])}`);
    expect((await client.chat(body('t/model'))).status).toBe(200);
  });

  it('a changed policy is in force with the answer that changed it', async () => {
    const key = await bed.key();
    expect((await key.client.chat(body('t/model'))).status).toBe(200);
    await bed.operator.patch(`keys/${key.id}`, { policy: { models: { deny: ['t/model'] } } });
    expect((await key.client.chat(body('t/model'))).status).toBe(403);
    await bed.operator.patch(`keys/${key.id}`, { policy: {} });
    expect((await key.client.chat(body('t/model'))).status).toBe(200);
  });

  it('a zone pin never sends a byte elsewhere', async () => {
    const key = await bed.key({ policy: { zones: ['jp'] } });
    for (let call = 0; call < 5; call += 1) {
      const answer = await key.client.chat(body('t/either'));
      expect([answer.headers['x-og-provider'], answer.headers['x-og-zone']]).toEqual(['japan', 'jp']);
    }
    const sent = bed.simulator.requestsOf('either.korea').length;
    bed.simulator.on('either.japan', fails(500));
    expect((await key.client.chat(body('t/either'))).status).toBe(502);
    bed.simulator.on('either.japan', answers('served in jp'));
    expect(bed.simulator.requestsOf('either.korea')).toHaveLength(sent);
  });

  it('max_output_tokens: clamped, defaulted, reported, and refused when strict', async () => {
    const key = await bed.key({ policy: { max_output_tokens: 50 } });
    const clamped = await key.client.chat(body('t/model', { max_tokens: 80 }));
    expect([clamped.status, clamped.headers['x-og-params']]).toEqual([200, expect.stringContaining('max_tokens=clamped:50')]);
    expect(JSON.stringify(bed.asked('model').at(-1)?.json)).toMatch(/"max_(completion_)?tokens":50/);
    await key.client.chat(body('t/model', { max_tokens: undefined }));
    expect(JSON.stringify(bed.asked('model').at(-1)?.json)).toMatch(/"max_(completion_)?tokens":50/);
    const strict = await key.client.chat(body('t/model', { max_tokens: 80 }), { 'x-og-strict': 'true' });
    expect([strict.status, errorOf(strict)]).toEqual([400, expect.objectContaining({ code: 'unsupported_parameter', param: 'max_tokens' })]);
    expect((await key.client.chat(body('t/model', { max_tokens: 20 }), { 'x-og-strict': 'true' })).status).toBe(200);
  });

  it('lists only the models a key may call, and names only those as near', async () => {
    const key = await bed.key({ policy: { models: { allow: ['t/model', 't/either'] }, zones: ['kr', 'jp'] } });
    const list = (await (await fetch(`${bed.gateway.url}/v1/models`, { headers: { authorization: `Bearer ${key.key}` } })).json()) as { data: { id: string }[] };
    expect(list.data.map(({ id }) => id)).toEqual(['t/either']);
    const near = await key.client.chat(body('t/eithr'));
    expect([near.status, errorOf(near)['code'], errorOf(near)['param']]).toEqual([404, 'model_not_found', 'model']);
    expect(errorOf(near)['message']).toContain('t/either');
    expect(errorOf(await key.client.chat(body('t/classles')))['message']).not.toContain('t/classless');
  });

  describe('limits', () => {
    it('rpm: exactly as many pass, the rest are told when', async () => {
      const { client } = await bed.key({ limits: { rpm: 10 } });
      const all = await Promise.all(Array.from({ length: 40 }, () => client.chat(body('t/model'))));
      const passed = all.filter((answer) => answer.status === 200);
      const refused = all.filter((answer) => answer.status === 429);
      expect([passed.length, refused.length]).toEqual([10, 30]);
      expect(new Set(passed.map((answer) => answer.headers['x-ratelimit-remaining-requests'])).size).toBeGreaterThanOrEqual(1);
      expect(Math.min(...passed.map((answer) => Number(answer.headers['x-ratelimit-remaining-requests'])))).toBe(0);
      for (const answer of refused) {
        expect(errorOf(answer)).toMatchObject({ code: 'rate_limit_exceeded', type: 'rate_limit_error', message: expect.stringMatching(/Please try again in \d+\.\d\ds/) });
        expect(answer.headers).toMatchObject({ 'x-ratelimit-limit-requests': '10', 'x-ratelimit-remaining-requests': '0', 'x-should-retry': 'true' });
        const [seconds, milliseconds] = [Number(answer.headers['retry-after']), Number(answer.headers['retry-after-ms'])];
        expect([seconds >= 1 && seconds <= 60, Math.ceil(milliseconds / 1000)]).toEqual([true, seconds]);
      }
    });

    it('tpm: what a call used counts, what it only reserved comes back', async () => {
      const { client } = await bed.key({ limits: { tpm: 1_000 } });
      bed.simulator.on('classless.solo', answers({ text: 'x', usage: { prompt: 100, completion: 50 } }));
      const first = await client.chat(body('t/classless', { max_tokens: 400 }));
      expect(first.headers).toMatchObject({ 'x-ratelimit-limit-tokens': '1000' });
      const second = await client.chat(body('t/classless', { max_tokens: 400 }));
      expect([second.status, Number(second.headers['x-ratelimit-remaining-tokens']) <= 850]).toEqual([200, true]);
      const tooMuch = await client.chat(body('t/classless', { max_tokens: 990 }));
      expect([tooMuch.status, errorOf(tooMuch)['code']]).toEqual([429, 'rate_limit_exceeded']);
      const known = (await (await fetch(`${bed.gateway.url}/v1/key`, { headers: { authorization: `Bearer ${client.key}` } })).json()) as { limits: Json[] };
      expect(known.limits[0]).toMatchObject({ limit: 'tpm', used: 300 });
      bed.simulator.on('classless.solo', answers('served'));
    });

    it('tpm: requests without a maximum of their own do not add up beyond it', async () => {
      const { client } = await bed.key({ limits: { tpm: 1_000 } });
      await bed.model('open-ended', { solo: answers({ text: 'x', usage: { prompt: 10, completion: 290 } }, { hold: true }) });
      const open = { model: 't/open-ended', messages: user('Hello') };
      const all = Array.from({ length: 12 }, () => client.chat(open));
      await bed.operator.eventually(async () => bed.asked('open-ended').length, 2_000, (count) => count >= 1);
      await sleep(200);
      bed.simulator.release('open-ended.solo');
      const ended = await Promise.all(all);
      expect(ended.filter(({ status }) => status === 200).length * 300).toBeLessThanOrEqual(1_000);
      expect(ended.filter(({ status }) => status === 200 || status === 429)).toHaveLength(12);
      bed.simulator.on('open-ended.solo', answers({ text: 'x', usage: { prompt: 10, completion: 290 } }));
      expect((await client.chat(open)).status).toBe(200);
    });

    it('a request that alone asks for more than the window holds is refused without a retry', async () => {
      const { client } = await bed.key({ limits: { tpm: 100 } });
      const answer = await client.chat(body('t/model', { max_tokens: 500 }));
      expect([answer.status, answer.headers['x-should-retry'], answer.headers['retry-after']]).toEqual([429, 'false', undefined]);
    });

    const ENDINGS: readonly [string, Scenario, (client: ChatClient, model: string) => Promise<unknown>][] = [
      ['an answer', answers('x'), (client, model) => client.chat(body(model))],
      ['a stream', answers('x'), (client, model) => client.chat(body(model, { stream: true }))],
      ['an error of the provider', fails(500), (client, model) => client.chat(body(model))],
      ['a stream that broke', answers({ tokens: 9 }, { die: { how: 'rst', afterPieces: 3 } }), (client, model) => client.chat(body(model, { stream: true }))],
      ['a client that left', answers('x', { hold: true }), leave],
      ['a client that left mid-stream', answers({ tokens: 500, gapMs: 20 }), leave],
      ['a bad request', answers('x'), (client, model) => client.chat(body(model, { temperature: 'hot' }))],
      ['a refused policy', answers('x'), (client, model) => client.chat(body(`${model}-unknown`))],
    ];

    it('a concurrency slot comes back after every ending', async () => {
      const { client } = await bed.key({ limits: { concurrency: 1 } });
      for (const [index, [ending, scenario, end]] of ENDINGS.entries()) {
        await bed.model(`ending-${index}`, { solo: scenario });
        await end(client, `t/ending-${index}`);
        await sleep(ending.startsWith('a client') ? 150 : 0);
        const after = await client.chat(body('t/model'));
        expect([ending, after.status]).toEqual([ending, 200]);
      }
      await bed.model('occupied', { solo: answers('x', { hold: true }) });
      const running = client.chat(body('t/occupied'));
      await bed.operator.eventually(async () => bed.asked('occupied').length, 2_000, (count) => count === 1);
      const refused = await client.chat(body('t/model'));
      expect([refused.status, errorOf(refused)['message']]).toEqual([429, expect.stringContaining('1 requests at a time')]);
      bed.simulator.release();
      expect((await running).status).toBe(200);
      expect((await client.chat(body('t/model'))).status).toBe(200);
    });

    it('streams carry the same headers', async () => {
      const { client } = await bed.key({ limits: { rpm: 3, tpm: 5_000 } });
      const streamed = await client.chat(body('t/model', { stream: true }));
      expect(streamed.headers).toMatchObject({ 'x-ratelimit-limit-requests': '3', 'x-ratelimit-remaining-requests': '2', 'x-ratelimit-reset-requests': expect.stringMatching(/^(1m0s|\d+s)$/), 'x-ratelimit-limit-tokens': '5000' });
      expect(framesOf(streamed.text).at(-1)).toEqual({ done: true });
    });

    async function leave(client: ChatClient, model: string): Promise<void> {
      const calling = client.open(body(model, { stream: true }));
      calling.then(({ response }) => response.on('error', () => undefined).resume()).catch(() => undefined);
      const name = model.slice(2);
      await bed.operator.eventually(async () => bed.asked(name).length, 2_000, (count) => count === 1);
      await sleep(50);
      client.leaveAll();
    }
  });

  describe('credit and budgets', () => {
    it('402 without credit: the provider is not asked, and nobody retries', async () => {
      const poor = await bed.operator.tenant();
      const sent = bed.simulator.requests.length;
      const answer = await bed.clientOf(poor.key).chat(body('t/model'));
      expect([answer.status, errorOf(answer)['code'], errorOf(answer)['type'], answer.headers['x-should-retry'], answer.headers['retry-after']]).toEqual([402, 'insufficient_credits', 'insufficient_quota', 'false', undefined]);
      expect(bed.simulator.requests).toHaveLength(sent);
      for (const path of ['key', 'credits', 'models']) {
        expect((await fetch(`${bed.gateway.url}/v1/${path}`, { headers: { authorization: `Bearer ${poor.key}` } })).status).toBe(200);
      }
    });

    it('a budget of the key, the project or the organization', async () => {
      const { client } = await bed.key({ budget: { amount_usd: '0.000001', period: 'total' } });
      const answer = await client.chat(body('t/model'));
      expect([answer.status, errorOf(answer)['code'], answer.headers['x-should-retry']]).toEqual([402, 'budget_exceeded', 'false']);
    });
  });
});

/** A window of one hour that is not now, in UTC. */
function closedNow(): Json {
  const hour = (new Date().getUTCHours() + 5) % 24;
  const text = (value: number): string => `${String(value % 24).padStart(2, '0')}:00`;
  return { timezone: 'UTC', from: text(hour), to: text(hour + 1) };
}
