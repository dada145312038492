import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { parseMultipart } from '../../src/core/operations/index.js';
import { Operator } from '../support/operator.js';
import { fails, sends, UpstreamSimulator } from '../support/upstream-simulator/index.js';

type Json = Record<string, unknown>;

const TIMEOUT_MS = 60_000;
const VECTORS = { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [1, 2] }], usage: { prompt_tokens: 1_000, total_tokens: 1_000 } };

/** What operations have of the chat's spine: fallback, money, policy, refusals before anything is sent. */
describe('operations over the spine', () => {
  let gateway: GatewayProcess;
  let simulator: UpstreamSimulator;
  let operator: Operator;

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    gateway = await startGatewayProcess();
    operator = new Operator(gateway);
    const provider = (id: string): Json => ({ id, type: 'openai-compatible', base_url: `${simulator.origin}/v1`, credentials: [{ id: 'main', key: 'k' }], health: 'off' });
    const model = (id: string, more: Json): Json => ({ id, serve: [{ provider: 'one', model: id, priority: 0 }], price: { input: '1', output: '2' }, ...more });
    await operator.apply({
      version: 1,
      providers: [provider('one'), provider('two')],
      models: [
        model('embed', { serve: [{ provider: 'one', model: 'broken', priority: 0 }, { provider: 'two', model: 'good', priority: 1 }], endpoints: ['embeddings'] }),
        model('anything', {}),
        model('chat-only', { endpoints: ['chat'] }),
        model('whisper', { price: { per_second: '0.01' }, endpoints: ['audio'] }),
        model('painter', { price: { input: '1', per_image: '0.04' }, endpoints: ['images'] }),
      ],
    });
    simulator.on('broken', fails(500, { message: 'down' })).on('good', sends(VECTORS)).on('anything', sends(VECTORS)).on('painter', sends({ created: 1, data: [{ b64_json: 'eA==' }] }));
  }, TIMEOUT_MS);

  afterAll(async () => {
    await gateway?.remove();
    await simulator?.stop();
  });

  const ask = async (path: string, body: Json | FormData, key = gateway.bootstrap.demo_key ?? ''): Promise<{ status: number; headers: Headers; body: Json; error: Json }> => {
    const form = body instanceof FormData;
    const headers = { authorization: `Bearer ${key}`, ...(form ? {} : { 'content-type': 'application/json' }) };
    const answer = await fetch(`${gateway.url}/v1/${path}`, { method: 'POST', headers, body: form ? body : JSON.stringify(body), signal: AbortSignal.timeout(20_000) });
    const json = (await answer.json()) as Json;
    return { status: answer.status, headers: answer.headers, body: json, error: (json['error'] ?? {}) as Json };
  };

  it('fall back, and are charged once by what the provider counted', async () => {
    const { status, headers, body } = await ask('embeddings', { model: 'embed', input: 'text' });
    expect({ status, provider: headers.get('x-og-provider'), attempts: headers.get('x-og-attempts') }).toEqual({ status: 200, provider: 'two', attempts: '2' });
    expect(body['usage']).toMatchObject({ prompt_tokens: 1_000, total_tokens: 1_000, cost: 0.001 });
    const record = await operator.request(headers.get('x-request-id') ?? '');
    expect(record).toMatchObject({ status: 200, cost_usd: '0.001', endpoint: '/v1/embeddings' });
    expect(record['attempts']).toHaveLength(2);
  });

  it('are served by a model that says nothing about endpoints, and by none that says otherwise', async () => {
    expect((await ask('embeddings', { model: 'anything', input: 'text' })).status).toBe(200);
    const refused = await ask('embeddings', { model: 'chat-only', input: 'text' });
    expect(refused).toMatchObject({ status: 400, error: { code: 'invalid_request', param: 'model' } });
  });

  it('are refused without a price for what they make', async () => {
    const { status, error } = await ask('images/generations', { model: 'anything', prompt: 'p' });
    expect({ status, code: error['code'] }).toEqual({ status: 400, code: 'unpriced' });
  });

  it('charge images by the piece', async () => {
    const { headers } = await ask('images/generations', { model: 'painter', prompt: 'one two', n: 1 });
    expect(Number(headers.get('x-og-cost-usd'))).toBeGreaterThanOrEqual(0.04);
  });

  it('change images sent as files: the bytes arrive as they were, under the provider’s model, and are charged by the piece', async () => {
    simulator.otherwise(sends({ created: 1, data: [{ b64_json: 'eA==' }] }));
    const bytes = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x00, 0xff]);
    const form = new FormData();
    for (const [name, value] of Object.entries({ model: 'painter', prompt: 'bluer', n: '1' })) form.set(name, value);
    for (const name of ['a.png', 'b.png']) form.append('image[]', new Blob([bytes], { type: 'image/png' }), name);
    const { status, headers, body } = await ask('images/edits', form);
    expect({ status, data: body['data'] }).toEqual({ status: 200, data: [{ b64_json: 'eA==' }] });
    expect(Number(headers.get('x-og-cost-usd'))).toBeGreaterThanOrEqual(0.04);
    const sent = simulator.requests.at(-1);
    const parts = parseMultipart(sent?.body ?? Buffer.alloc(0), String(sent?.headers['content-type'])).parts;
    expect(parts.map(({ name, fileName, bytes: part }) => [name, fileName ?? part.toString()])).toEqual([
      ['model', 'painter'], ['prompt', 'bluer'], ['n', '1'], ['image[]', 'a.png'], ['image[]', 'b.png'],
    ]);
    expect(parts.at(-1)?.bytes.equals(bytes)).toBe(true);
    form.delete('image[]');
    expect(await ask('images/edits', form)).toMatchObject({ status: 400, error: { param: 'image' } });
    expect(await ask('images/edits', { model: 'sandbox/image', prompt: 'bluer', images: [{ image_url: 'data:image/png;base64,eA==' }] })).toMatchObject({ status: 200 });
  });

  it('obey the policy before anything is sent', async () => {
    const { key } = await operator.tenant({ creditUsd: '1', key: { policy: { capabilities: { images: false } } } });
    const before = simulator.stats().requests;
    expect(await ask('images/generations', { model: 'painter', prompt: 'p' }, key)).toMatchObject({ status: 403, error: { code: 'capability_not_allowed' } });
    expect(simulator.stats().requests).toBe(before);
  });

  it('hold what sound can cost, by its length', async () => {
    const { key } = await operator.tenant({ creditUsd: '0.05' });
    const form = new FormData();
    form.set('model', 'whisper');
    form.set('file', new Blob([Buffer.alloc(1_000_000)]), 'a.mp3');
    expect(await ask('audio/transcriptions', form, key)).toMatchObject({ status: 402, error: { code: 'insufficient_credits' } });
  });

  it('refuse a file that is too large, whatever its header says', async () => {
    const form = new FormData();
    form.set('model', 'whisper');
    form.set('file', new Blob([Buffer.alloc(26 * 1_048_576)]), 'a.mp3');
    expect(await ask('audio/transcriptions', form).catch(() => ({ status: 413 }))).toMatchObject({ status: 413 });
  });
});
