import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { Testbed } from '../support/testbed.js';
import { answers, fails } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;
const PROVIDERS: Readonly<Record<string, string>> = { claude: 'anthropic-compatible', gem: 'gemini', deep: 'deepseek', mis: 'mistral', oai: 'openai', plain: 'openai-compatible' };

/** What becomes of a parameter at each provider, what the client is told of it, and what strictness makes of that. */
describe('parameters', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({ providers: Object.entries(PROVIDERS).map(([id, type]) => ({ id, type, health: 'off' })) });
    await bed.declare([
      ...Object.keys(PROVIDERS).map((provider) => ({ name: provider, served: { [provider]: answers('served') } })),
      { name: 'either', served: { claude: answers('from claude'), plain: answers('from plain') } },
    ]);
  });
  afterAll(() => bed?.stop());

  const ask = (model: string, more: Json, headers: Record<string, string> = {}): Promise<ChatAnswer> => bed.client.chat({ model: `t/${model}`, messages: user('Hello'), max_tokens: 100, ...more }, headers);
  const sentTo = (name: string): Json => bed.asked(name).at(-1)?.json as Json;
  const BIAS = { logit_bias: { '50256': -100 } };

  /** Provider, what the client said, the report, what was sent. `null`: nothing to report. */
  const ROWS: readonly [string, Json, string | null, Json][] = [
    ['claude', { temperature: 1.8 }, 'temperature=clamped:1', { temperature: 1 }],
    // Claude refuses both at once since its 4.5 generation.
    ['claude', { temperature: 0.3, top_p: 0.9 }, 'top_p=dropped', { temperature: 0.3 }],
    ['claude', { temperature: 0.3 }, null, { temperature: 0.3 }],
    ['claude', BIAS, 'logit_bias=dropped', {}],
    ['claude', { seed: 7, presence_penalty: 1 }, 'seed=dropped; presence_penalty=dropped', {}],
    ['claude', { stop: 'END' }, null, { stop_sequences: ['END'] }],
    ['claude', { user: 'u-1' }, null, { metadata: { user_id: 'u-1' } }],
    ['gem', { temperature: 1.8, seed: 7, stop: ['a', 'b'], n: 2 }, null, { generationConfig: { temperature: 1.8, seed: 7, stopSequences: ['a', 'b'], candidateCount: 2, maxOutputTokens: 100 } }],
    ['gem', BIAS, 'logit_bias=dropped', {}],
    ['deep', { max_tokens: undefined, max_completion_tokens: 40 }, null, { max_tokens: 40 }],
    ['mis', { seed: 7 }, 'seed=renamed:random_seed', { random_seed: 7 }],
    ['oai', { max_tokens: 50 }, null, { max_completion_tokens: 50 }],
    ['plain', { something_new: { deep: [1, 2] }, ...BIAS }, null, { something_new: { deep: [1, 2] }, ...BIAS }],
    ['plain', { user: 'u', metadata: { a: 'b' }, service_tier: 'auto', prompt_cache_key: 'k', verbosity: 'low', store: false, seed: 1, safety_identifier: 's' }, null, { user: 'u', metadata: { a: 'b' }, service_tier: 'auto', prompt_cache_key: 'k', verbosity: 'low', store: false, seed: 1, safety_identifier: 's' }],
  ];

  it.each(ROWS)('%s: %j → %s', async (provider, said, report, sent) => {
    const answer = await ask(provider, said);
    expect(answer.status).toBe(200);
    const reported = String(answer.headers['x-og-params'] ?? '');
    if (report === null) expect(reported).not.toMatch(/dropped|clamped|renamed/);
    else expect(reported).toContain(report);
    expect(sentTo(provider)).toMatchObject(sent);
    for (const parameter of Object.keys(said)) if (report?.includes(`${parameter}=dropped`) === true) expect(JSON.stringify(sentTo(provider))).not.toContain(`"${parameter}"`);
    const record = await bed.recordOf(answer);
    expect((record['parameters'] as Json[]).filter((item) => item['action'] !== 'defaulted')).toHaveLength(report === null ? 0 : report.split('; ').length);
  });

  it.each(Object.keys(PROVIDERS))('%s: both maximums are fine, the smaller counts, and it is said', async (provider) => {
    const answer = await ask(provider, { max_tokens: 50, max_completion_tokens: 40 });
    expect([answer.status, answer.headers['x-og-params']]).toEqual([200, expect.stringContaining('max_tokens=dropped')]);
    expect(JSON.stringify(sentTo(provider))).toMatch(/"(max_tokens|max_completion_tokens|maxOutputTokens)":40/);
    expect(JSON.stringify(sentTo(provider))).not.toMatch(/:50\b/);
  });

  it('streams report the same, in their headers', async () => {
    const answer = await ask('claude', { ...BIAS, stream: true });
    expect(answer.headers['x-og-params']).toContain('logit_bias=dropped');
  });

  it('x-og-strict makes an adjustment a 400 that names it; nothing is sent, held or counted', async () => {
    const sent = bed.simulator.requests.length;
    for (const stream of [false, true]) {
      const answer = await ask('claude', { ...BIAS, temperature: 1.8, stream }, { 'x-og-strict': 'true' });
      expect([answer.status, answer.headers['x-should-retry']]).toEqual([400, 'false']);
      expect(errorOf(answer)).toMatchObject({ code: 'unsupported_parameter', param: expect.stringMatching(/^(logit_bias|temperature)$/), message: expect.stringMatching(/logit_bias.*dropped/) });
      expect(errorOf(answer)['message']).toMatch(/temperature.*clamped/);
    }
    expect(bed.simulator.requests.length).toBe(sent);
    expect(await bed.settled()).toMatchObject({ open_holds: 0 });
    expect((await ask('claude', { temperature: 0.5 }, { 'x-og-strict': 'true' })).status).toBe(200);
    expect((await ask('plain', BIAS, { 'x-og-strict': 'true' })).status).toBe(200);
    expect((await ask('claude', BIAS, { 'x-og-strict': 'false' })).status).toBe(200);
  });

  it('a strict policy does the same without the header, and the header cannot loosen it', async () => {
    const { client } = await bed.key({ policy: { params: 'strict' } });
    for (const headers of [{}, { 'x-og-strict': 'false' }] as Record<string, string>[]) {
      const answer = await client.chat({ model: 't/claude', messages: user('Hello'), max_tokens: 50, ...BIAS }, headers);
      expect([answer.status, errorOf(answer)['code']]).toEqual([400, 'unsupported_parameter']);
    }
  });

  it('strict, with a second provider that takes it as it is: that one is asked', async () => {
    const loose = await ask('either', BIAS);
    expect(loose.headers['x-og-provider']).toBe('claude');
    const strict = await ask('either', BIAS, { 'x-og-strict': 'true' });
    expect([strict.status, strict.headers['x-og-provider'], strict.headers['x-og-params']]).toEqual([200, 'plain', undefined]);
  });

  it('what cannot be done at all is refused by name, strict or not', async () => {
    const answer = await ask('claude', { n: 2 });
    expect([answer.status, errorOf(answer)['code'], errorOf(answer)['param']]).toEqual([400, 'unsupported_parameter', 'n']);
    expect(await bed.settled()).toMatchObject({ open_holds: 0 });
  });

  it('a request that the first provider takes and the second cannot even be given fails as the first one did', async () => {
    await bed.model('uneven', { plain: fails(500), claude: answers('never') });
    const answer = await ask('uneven', { n: 2 });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(bed.asked('uneven')).toHaveLength(1);
    expect(await bed.settled()).toMatchObject({ ok: true, open_holds: 0 });
    const { client } = await bed.key({ limits: { concurrency: 1 } });
    await client.chat({ model: 't/uneven', messages: user('x'), n: 2 });
    expect((await client.chat({ model: 't/plain', messages: user('x') })).status).toBe(200);
  });

  describe('a part that one provider takes and another does not', () => {
    const TIFF = [{ role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: 'data:image/tiff;base64,SUkqAAgAAAA=' } }] }];

    it('the preferred one does not: the other is asked', async () => {
      const answer = await ask('either', { messages: TIFF });
      expect([answer.status, answer.headers['x-og-provider'], answer.headers['x-og-attempts']]).toEqual([200, 'plain', '1']);
    });

    it('the fallback does not: the failure of the first stands, nothing stays held and no slot taken', async () => {
      await bed.model('uneven-part', { plain: fails(500), claude: answers('never') });
      const { client } = await bed.key({ limits: { concurrency: 1 } });
      for (let call = 0; call < 2; call += 1) {
        const answer = await client.chat({ model: 't/uneven-part', messages: TIFF, max_tokens: 50 });
        expect([answer.status, errorOf(answer)['code']]).toEqual([502, 'upstream_error']);
      }
      expect(bed.asked('uneven-part').every((request) => request.call.model === 'uneven-part.plain')).toBe(true);
      expect(await bed.settled()).toMatchObject({ ok: true, open_holds: 0 });
    });

    it('neither does: the first one’s reason, before anything is held', async () => {
      await bed.model('nobody', { claude: answers('never') });
      const answer = await ask('nobody', { messages: TIFF });
      expect([answer.status, errorOf(answer)['code'], bed.asked('nobody').length]).toEqual([400, 'unsupported_parameter', 0]);
    });
  });

  it('strictness holds for fallbacks too: one that would have to adjust is not asked', async () => {
    await bed.model('strict-fallback', { plain: fails(500), claude: answers('adjusted') });
    const strict = await ask('strict-fallback', BIAS, { 'x-og-strict': 'true' });
    expect([strict.status, bed.asked('strict-fallback').length]).toEqual([502, 1]);
    const loose = await ask('strict-fallback', BIAS);
    expect([loose.status, loose.headers['x-og-provider'], loose.headers['x-og-params']]).toEqual([200, 'claude', expect.stringContaining('logit_bias=dropped')]);
  });

  it('roles, parts and histories of every kind reach a provider of another protocol', async () => {
    const messages = [
      { role: 'developer', content: 'Be brief.' },
      { role: 'user', content: [{ type: 'text', text: 'What is it?' }, { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } }] },
      { role: 'assistant', content: '', reasoning_content: 'I should look.', tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'look', arguments: '{"at":1}' } }] },
      { role: 'tool', tool_call_id: 'call_1', content: 'a cat' },
    ];
    const tools = [{ type: 'function', function: { name: 'look', parameters: { type: 'object', properties: { at: { type: 'number' } } } } }];
    for (const provider of Object.keys(PROVIDERS)) {
      for (const choice of ['auto', 'required', 'none', { type: 'function', function: { name: 'look' } }]) {
        const answer = await ask(provider, { messages, tools, tool_choice: choice });
        expect([provider, choice, answer.status]).toEqual([provider, choice, 200]);
      }
      expect(JSON.stringify(sentTo(provider))).toMatch(/a cat/);
    }
  });

  it('a cached prompt stays with who has it: the same prompt_cache_key, the same credential', async () => {
    await bed.model('sticky', { plain: answers('a'), oai: answers('b') }, {});
    const seen = new Set<unknown>();
    for (let call = 0; call < 6; call += 1) seen.add((await ask('sticky', { prompt_cache_key: 'session-1' })).headers['x-og-provider']);
    expect(seen.size).toBe(1);
  });

  it('reasoning is told in the field the client wants', async () => {
    await bed.model('thinks', { plain: answers({ text: 'answer', reasoning: 'because' }) });
    const messageOf = async (field?: string): Promise<Json> => {
      const answer = await ask('thinks', {}, field === undefined ? {} : { 'x-og-reasoning-field': field });
      return (answer.json['choices'] as { message: Json }[])[0]?.message as Json;
    };
    expect(await messageOf()).toMatchObject({ content: 'answer', reasoning_content: 'because' });
    expect(await messageOf('reasoning')).toMatchObject({ reasoning: 'because' });
    expect(await messageOf('both')).toMatchObject({ reasoning: 'because', reasoning_content: 'because' });
    const none = await messageOf('none');
    expect([none['reasoning'], none['reasoning_content']]).toEqual([undefined, undefined]);
  });
});
