import Anthropic from '@anthropic-ai/sdk';
import OpenAI from 'openai';
import { UPSTREAMS } from '../support/cross-product.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';
import { answers, sends, UpstreamSimulator } from '../support/upstream-simulator/index.js';

type Json = Record<string, unknown>;

const DEADLINE_MS = 20_000;
const MESSAGES = [{ role: 'user', content: 'hello' }];
/** What is asked of a model that says it serves a kind of endpoint; any of the calls will do. */
const CALLS: Readonly<Record<string, (model: string) => [path: string, body: Json | FormData][]>> = {
  chat: (model) => [['chat/completions', { model, messages: MESSAGES, stream: true, max_tokens: 64 }]],
  completions: (model) => [['completions', { model, prompt: 'hello', stream: true, max_tokens: 64 }]],
  embeddings: (model) => [['embeddings', { model, input: 'hello' }]],
  rerank: (model) => [['rerank', { model, query: 'a', documents: ['a', 'b'] }]],
  moderations: (model) => [['moderations', { model, input: 'hello' }]],
  images: (model) => [['images/generations', { model, prompt: 'a lighthouse' }]],
  audio: (model) => [
    ['audio/speech', { model, input: 'hello', voice: 'alloy' }],
    ['audio/transcriptions', form(model)],
  ],
};
/** Layers of a key that leave some models and not others. Nothing here is said per request. */
const POLICIES: readonly Json[] = [
  {},
  { models: { allow: ['sandbox/e*', 'sim/*'], deny: ['sandbox/error-*', 'sim/cohere*'] } },
  { models: { allow: [] } },
  { classes: { deny: ['sandbox'] } },
  { classes: { allow: ['premium'] } },
  { providers: { deny: ['gemini-generate', 'sandbox'] } },
  { providers: { allow: ['bedrock-converse'] } },
  { zones: ['jp'] },
  { max_price: { input: '0.60', output: '2.00' } },
  { models: { deny: ['sim/ollama-chat'] }, providers: { allow: ['openai-chat', 'ollama-chat'] } },
];

/** Of the simulator, where it is not chat that was asked for. */
const OTHER_ANSWERS: readonly (readonly [string, Json])[] = [
  ['/embeddings', { object: 'list', data: [{ index: 0, embedding: [1] }], usage: { prompt_tokens: 1, total_tokens: 1 } }],
  ['/v2/embed', { id: 'e', embeddings: { float: [[1]] }, meta: { billed_units: { input_tokens: 1 } } }],
  ['/v2/rerank', { id: 'r', results: [{ index: 0, relevance_score: 0.9 }], meta: { billed_units: { search_units: 1 } } }],
];

describe('the list of models and what can be called', () => {
  let simulator: UpstreamSimulator;
  let gateway: GatewayProcess;
  let operator: Operator;
  let all: string[];

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    simulator.otherwise(({ url }) => {
      const other = OTHER_ANSWERS.find(([path]) => url.endsWith(path))?.[1];
      return other === undefined ? answers('hi') : sends(other);
    });
    gateway = await startGatewayProcess();
    operator = new Operator(gateway);
    await operator.apply({
      version: 1,
      providers: UPSTREAMS.map(({ protocol, type }, at) => ({
        id: protocol,
        type,
        base_url: simulator.baseUrl(protocol),
        credentials: [type === 'bedrock' ? { id: 'main', access_key_id: 'AKIDEXAMPLE', secret_access_key: 's' } : { id: 'main', key: 'k' }],
        ...(at % 2 === 0 ? { zones: ['kr'] } : { zones: ['jp'] }),
        health: 'off',
      })),
      models: [
        ...UPSTREAMS.map(({ protocol, model }, at) => ({
          id: `sim/${protocol}`,
          serve: [{ provider: protocol, model, protocol }],
          price: { input: '0.5', output: at < 3 ? '1' : '4' },
          ...(at === 1 ? { class: 'premium' } : {}),
          ...(protocol === 'cohere-chat' ? {} : { endpoints: ['chat'] }),
        })),
        {
          id: 'sim/two-homes',
          serve: [
            { provider: 'gemini-generate', model: 'a' },
            { provider: 'ollama-chat', model: 'b' },
          ],
          price: 'free',
          endpoints: ['chat'],
        },
        { id: 'sim/plain', serve: [{ provider: 'anthropic-messages', model: 'p' }], price: 'free' },
        { id: 'sim/embed', serve: [{ provider: 'openai-chat', model: 'e' }], endpoints: ['embeddings'], price: { input: '0.1' } },
      ],
    });
    all = await listed(gateway.bootstrap.demo_key ?? '');
  }, 60_000);

  afterAll(async () => {
    await gateway?.remove();
    await simulator?.stop();
  }, 60_000);

  const get = async (path: string, key: string, headers: Json = {}): Promise<Response> =>
    fetch(`${gateway.url}/v1/${path}`, {
      headers: { authorization: `Bearer ${key}`, ...(headers as Record<string, string>) },
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
  const entries = async (key: string): Promise<Json[]> => ((await (await get('models', key)).json()) as { data: Json[] }).data;
  const listed = async (key: string): Promise<string[]> => (await entries(key)).map((entry) => String(entry['id']));

  /** The status, and the code of an answer that is none; a stream is left once it has begun. */
  async function call(path: string, body: Json | FormData, key: string): Promise<{ status: number; code: string; simulated: boolean }> {
    const headers: Record<string, string> = { authorization: `Bearer ${key}` };
    if (!(body instanceof FormData)) headers['content-type'] = 'application/json';
    const given = new AbortController();
    const late = setTimeout(() => given.abort(), DEADLINE_MS);
    const answer = await fetch(`${gateway.url}/v1/${path}`, {
      method: 'POST',
      headers,
      body: body instanceof FormData ? body : JSON.stringify(body),
      signal: given.signal,
    });
    const simulated = answer.headers.get('x-og-simulated') === 'true';
    const failed = answer.status === 200 ? null : ((await answer.json()) as { error: { code: string } });
    clearTimeout(late);
    given.abort();
    return { status: answer.status, code: failed?.error.code ?? '', simulated };
  }

  async function canBeCalled(model: string, endpoint: string, key: string): Promise<boolean> {
    for (const [path, body] of (CALLS[endpoint] as (typeof CALLS)[string])(model)) {
      const { status, simulated } = await call(path, body, key);
      if (status === 200 || simulated) return true;
    }
    return false;
  }

  it('every listed model answers at every endpoint it says it serves', async () => {
    const data = await entries(gateway.bootstrap.demo_key ?? '');
    expect(data.filter(({ id }) => String(id).startsWith('sandbox/')).length).toBeGreaterThanOrEqual(19);
    expect(data.filter(({ id }) => String(id).startsWith('sim/'))).toHaveLength(UPSTREAMS.length + 3);
    // The catalogue's models of these providers are listed, too; of them those that chat, which is what the simulator speaks.
    const ours = data.filter(({ id, endpoints }) => isOurs(String(id)) || (endpoints as string[]).join() === 'chat');
    expect(ours.length).toBeGreaterThan(100);
    const asked = ours.flatMap((entry) => (entry['endpoints'] as string[]).map((endpoint) => [String(entry['id']), endpoint] as const));
    const failed = await Promise.all(
      asked.map(async ([id, endpoint]) => ((await canBeCalled(id, endpoint, gateway.bootstrap.demo_key ?? '')) ? [] : [`${id} at ${endpoint}`])),
    );
    expect(failed.flat()).toEqual([]);
  });

  it.each(POLICIES.map((policy) => [JSON.stringify(policy), policy] as const))(
    'a key with %s lists what it may call, no more and no less',
    async (_, policy) => {
      const { key } = await operator.tenant({ creditUsd: '50', key: { policy } });
      const shown = new Set(await listed(key));
      const chat = (await entries(gateway.bootstrap.demo_key ?? '')).filter(canChat).map((entry) => String(entry['id']));
      const wrong = await Promise.all(
        chat.filter(isOurs).map(async (model) => {
          const { status, code, simulated } = await call('chat/completions', { model, messages: MESSAGES, stream: true, max_tokens: 64 }, key);
          const callable = status === 200 || simulated;
          return callable === shown.has(model) ? [] : [`${model}: ${status} ${code}, ${shown.has(model) ? 'listed' : 'not listed'}`];
        }),
      );
      expect(wrong.flat()).toEqual([]);
      for (const id of all.filter(isOurs)) expect([id, (await get(`models/${encodeURIComponent(id)}`, key)).status]).toEqual([id, shown.has(id) ? 200 : 404]);
    },
  );

  it('says the same in the three shapes, to the clients that read them', async () => {
    const { key } = await operator.tenant({ key: { policy: { models: { allow: ['sandbox/*', 'sim/*'], deny: ['sandbox/error-*'] } } } });
    const ids = await listed(key);
    const openai = new OpenAI({ baseURL: `${gateway.url}/v1`, apiKey: key, maxRetries: 0 });
    const ofOpenai = [];
    for await (const model of openai.models.list()) ofOpenai.push(model);
    expect(ofOpenai.map(({ id }) => id)).toEqual(ids);
    for (const model of ofOpenai) expect(model).toMatchObject({ object: 'model', created: expect.any(Number), owned_by: expect.any(String) });

    const anthropic = new Anthropic({ baseURL: gateway.url, apiKey: key, maxRetries: 0 });
    const ofAnthropic = [];
    for await (const model of anthropic.models.list()) ofAnthropic.push(model);
    expect(ofAnthropic.map(({ id }) => id)).toEqual(ids);
    for (const model of ofAnthropic) {
      expect(model).toMatchObject({ type: 'model', display_name: expect.any(String) });
      expect(Date.parse(model.created_at)).not.toBeNaN();
    }
    expect((await anthropic.models.retrieve('sandbox/echo')).id).toBe('sandbox/echo');

    const codex = (await (await get('models?client_version=0.171.0', key)).json()) as { models: Json[] };
    const chat = new Set((await entries(key)).filter(canChat).map((entry) => entry['id']));
    expect(codex.models.map(({ slug }) => slug)).toEqual(ids.filter((id) => chat.has(id)));
  });

  it('is stable, and known by its tag in each shape', async () => {
    const key = gateway.bootstrap.demo_key ?? '';
    for (const path of ['models', 'models?client_version=0.171.0']) {
      const first = await get(path, key);
      const again = await get(path, key);
      expect(await again.text()).toBe(await first.text());
      const known = await get(path, key, { 'if-none-match': String(first.headers.get('etag')) });
      expect({ status: known.status, text: await known.text() }).toEqual({ status: 304, text: '' });
      expect((await get(path, key, { 'if-none-match': `"other", W/${String(first.headers.get('etag'))}` })).status).toBe(304);
    }
  });

  it('a model that nobody knows serves what its provider has words for', async () => {
    const kinds = new Map((await entries(gateway.bootstrap.demo_key ?? '')).map((entry) => [entry['id'], entry['endpoints']]));
    expect(kinds.get('sim/cohere-chat')).toEqual(['chat', 'completions', 'embeddings', 'rerank']);
    expect(kinds.get('sim/plain')).toEqual(['chat', 'completions']);
  });

  it('tells one model by its id, slash and all', async () => {
    const key = gateway.bootstrap.demo_key ?? '';
    expect((await get('models/sandbox/ecko', key)).status).toBe(404);
    for (const id of ['sandbox/echo', 'sandbox%2Fecho', 'sandbox/echo/']) expect([id, (await get(`models/${id}`, key)).status]).toEqual([id, 200]);
  });
});

const isOurs = (id: string): boolean => /^(?:sandbox|sim)\//.test(id);
const canChat = (entry: Json): boolean => (entry['endpoints'] as string[]).includes('chat');

function form(model: string): FormData {
  const body = new FormData();
  body.set('model', model);
  body.set('file', new Blob([new Uint8Array(64)]), 'a.wav');
  return body;
}
