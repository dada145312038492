import OpenAI from 'openai';
import { ChatClient, user, type ChatAnswer } from '../support/chat-client.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';
import { nanoOf, Testbed } from '../support/testbed.js';
import { answers, fails } from '../support/upstream-simulator/index.js';

jest.setTimeout(90_000);

type Json = Record<string, unknown>;
const body = (model: string, more: Json = {}): Json => ({ model, max_tokens: 100, messages: user('Hello'), ...more });
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;
const under = (key: string): Record<string, string> => ({ 'idempotency-key': key });
const REPLAYED = { 'idempotent-replayed': 'true' };

/** The real process before a simulated upstream that counts what it is asked. */
describe('idempotency keys', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(() => bed?.stop());

  const balance = async (): Promise<bigint> => {
    await bed.settled();
    return nanoOf((await bed.operator.get(`accounts/${bed.tenant.organizationId}`))['balance_usd']);
  };

  it.each([false, true])('replays byte for byte and charges once (stream: %s)', async (stream) => {
    const model = await bed.model(`replay-${stream}`, { solo: answers({ text: 'a few words to be said again', usage: { prompt: 10, completion: 6 } }) });
    const before = await balance();
    const first = await bed.client.chat(body(model, { stream }), under(`replay-${stream}`));
    const second = await bed.client.chat(body(model, { stream }), under(`replay-${stream}`));
    const third = await bed.client.chat(body(model, { stream }), under(`replay-${stream}`));
    expect(first.status).toBe(200);
    expect(first.headers['idempotent-replayed']).toBeUndefined();
    for (const repeat of [second, third]) {
      expect(repeat).toMatchObject({ status: 200, headers: { ...REPLAYED, 'content-type': first.headers['content-type'], 'x-og-provider': 'solo' } });
      expect(repeat.text).toBe(first.text);
      expect(repeat.headers['x-request-id']).not.toBe(first.headers['x-request-id']);
    }
    expect(bed.asked(`replay-${stream}`)).toHaveLength(1);
    const record = await bed.recordOf(first);
    expect(before - (await balance())).toBe(nanoOf(record['cost_usd']));
    const replay = await bed.operator.eventually(() => bed.operator.get(`requests/${String(second.headers['x-request-id'])}`), 3_000);
    expect(replay).toMatchObject({ status: 200, strategy: 'idempotent_replay', attempts: [] });
    expect(await bed.settled()).toMatchObject({ drift_nano_usd: 0 });
  });

  it('asks once for 20 at once: the others are told to wait, and get the answer afterwards', async () => {
    const model = await bed.model('race', { solo: answers('only once', { hold: true }) });
    let refusedCount = 0;
    const calls = Array.from({ length: 20 }, () =>
      bed.client.chat(body(model), under('race')).then((answer) => {
        if (answer.status === 409) refusedCount += 1;
        return answer;
      }),
    );
    await bed.operator.eventually(async () => refusedCount, 10_000, (count) => count === 19);
    bed.simulator.release('race.solo');
    const ended = await Promise.all(calls);
    const refused = ended.find((answer) => answer.status === 409) as ChatAnswer;
    expect(errorOf(refused)).toMatchObject({ code: 'idempotency_in_progress' });
    expect(Number(refused.headers['retry-after-ms'])).toBeGreaterThan(0);
    expect(ended.filter((answer) => answer.status === 200)).toHaveLength(1);
    expect(bed.asked('race')).toHaveLength(1);
    const after = await bed.client.chat(body(model), under('race'));
    expect(after).toMatchObject({ status: 200, headers: REPLAYED, text: ended.find((answer) => answer.status === 200)?.text });
    expect(bed.asked('race')).toHaveLength(1);
  });

  it('belongs to one body, one key, one organization', async () => {
    const model = await bed.model('scope', { solo: answers('scoped') });
    const first = await bed.client.chat(body(model), under('scope'));
    const other = await bed.client.chat(body(model, { temperature: 0.5 }), under('scope'));
    expect([other.status, errorOf(other)['code']]).toEqual([422, 'idempotency_mismatch']);
    const sibling = await bed.key();
    expect((await sibling.client.chat(body(model), under('scope'))).headers['idempotent-replayed']).toBeUndefined();
    const stranger = await bed.operator.tenant({ creditUsd: '1' });
    const strangers = await bed.clientOf(stranger.key).chat(body(model), under('scope'));
    expect(strangers.status).toBe(200);
    expect(strangers.headers['idempotent-replayed']).toBeUndefined();
    expect(strangers.text).not.toBe(first.text);
    expect(bed.asked('scope')).toHaveLength(3);
  });

  it.each([
    ['a refusal of the request', 400, 1],
    ['a failure', 500, 2],
    ['a rate limit', 429, 2],
  ])('%s (%i) asks upstream %i times in two calls', async (_name, status, askedCount) => {
    const model = await bed.model(`error-${status}`, { solo: fails(status) });
    const first = await bed.client.chat(body(model), under(`error-${status}`));
    const second = await bed.client.chat(body(model), under(`error-${status}`));
    expect(first.status).toBeGreaterThanOrEqual(400);
    const perCall = bed.asked(`error-${status}`).length / askedCount;
    expect(Number.isInteger(perCall)).toBe(true);
    expect(second.headers['idempotent-replayed']).toBe(askedCount === 1 ? 'true' : undefined);
    expect(second.text === first.text).toBe(askedCount === 1);
  });

  it('runs again after the client left', async () => {
    const model = await bed.model('left', { solo: answers({ text: 'one two three four', gapMs: 300 }) });
    const { request, response } = await bed.client.open(body(model, { stream: true }), under('left'));
    response.on('error', () => undefined);
    await new Promise((resolve) => response.once('data', resolve));
    request.destroy();
    await bed.simulator.until((stats) => stats.held === 0);
    const again = await bed.operator.eventually(() => bed.client.chat(body(model, { stream: true }), under('left')), 5_000, (answer) => answer.status === 200);
    expect(again.text).toContain('four');
    expect(bed.asked('left')).toHaveLength(2);
  });

  it('does not keep an answer over 1 MB, nor run it twice', async () => {
    const model = await bed.model('large', { solo: answers('x'.repeat(1_200_000)) });
    const first = await bed.client.chat(body(model), under('large'));
    expect([first.status, first.text.length > 1_200_000]).toEqual([200, true]);
    const second = await bed.client.chat(body(model), under('large'));
    expect([second.status, errorOf(second)['code']]).toEqual([422, 'idempotency_mismatch']);
    expect(bed.asked('large')).toHaveLength(1);
  });

  it.each(['', 'with space', 'k'.repeat(256)])('refuses the key %j by the name of its header', async (key) => {
    const model = await bed.model('named', { solo: answers('never') });
    const answer = await bed.client.chat(body(model), under(key));
    expect([answer.status, errorOf(answer)['param']]).toEqual([400, 'idempotency-key']);
    expect(bed.asked('named')).toHaveLength(0);
  });

  it.each([
    ['messages', { model: 'sandbox/lorem', max_tokens: 20, messages: user('Hello'), stream: true }],
    ['embeddings', { model: 'sandbox/embed', input: ['a', 'b'] }],
    ['audio/speech', { model: 'sandbox/speech', input: 'Hello', voice: 'alloy', response_format: 'wav' }],
    ['audio/transcriptions', null],
  ])('works on /v1/%s', async (path, json) => {
    const call = async (): Promise<{ status: number; replayed: string | null; bytes: Buffer }> => {
      const form = new FormData();
      form.set('model', 'sandbox/transcribe');
      form.set('file', new Blob([Buffer.alloc(2_000, 7)]), 'sound.wav');
      const headers: Record<string, string> = { authorization: `Bearer ${bed.tenant.key}`, ...under('paths') };
      if (json !== null) headers['content-type'] = 'application/json';
      const answer = await fetch(`${bed.gateway.url}/v1/${path}`, { method: 'POST', headers, body: json === null ? form : JSON.stringify(json) });
      return { status: answer.status, replayed: answer.headers.get('idempotent-replayed'), bytes: Buffer.from(await answer.arrayBuffer()) };
    };
    const first = await call();
    expect([first.status, first.replayed]).toEqual([200, null]);
    expect(await call()).toEqual({ status: 200, replayed: 'true', bytes: first.bytes });
  });

  it('takes no quota for a repeat', async () => {
    const model = await bed.model('quota', { solo: answers('once') });
    const { client } = await bed.key({ limits: { rpm: 1 } });
    expect((await client.chat(body(model), under('quota'))).status).toBe(200);
    expect(await client.chat(body(model), under('quota'))).toMatchObject({ status: 200, headers: REPLAYED });
    expect((await client.chat(body(model), under('quota-2'))).status).toBe(429);
  });

  it('keeps the answer sealed or open alike', async () => {
    const model = await bed.model('stored', { solo: answers('kept') });
    for (const store of ['none', 'full']) {
      const { client } = await bed.key({ policy: { store } });
      const first = await client.chat(body(model), under('stored'));
      expect(await client.chat(body(model), under('stored'))).toMatchObject({ status: 200, headers: REPLAYED, text: first.text });
    }
  });

  it("goes with the OpenAI SDK's own retries", async () => {
    const model = await bed.model('sdk', { solo: [fails(500), answers('after all')] as never });
    const client = new OpenAI({ apiKey: bed.tenant.key, baseURL: `${bed.gateway.url}/v1`, maxRetries: 2 });
    const call = () => client.chat.completions.create({ model, messages: [{ role: 'user', content: 'Hello' }] }, { headers: under('sdk') });
    const first = await call();
    expect(first.choices[0]?.message.content).toBe('after all');
    expect(await call()).toEqual(first);
    expect(bed.asked('sdk')).toHaveLength(2);
  });
});

describe('an idempotency key whose process was killed', () => {
  let bed: Testbed;
  let restarted: GatewayProcess | undefined;

  beforeAll(async () => {
    bed = await Testbed.start();
  });
  afterAll(async () => {
    await restarted?.stop();
    await bed?.stop();
  });

  it('is free again, and what the first one was charged is given back', async () => {
    const model = await bed.model('killed', { solo: answers({ text: `${'word '.repeat(200)}eight`, gapMs: 20 }) });
    const { request, response } = await bed.client.open(body(model, { stream: true }), under('killed'));
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const firstId = String(response.headers['x-request-id']);
    response.resume();
    // Long enough for a checkpoint to be in the journal: the first one is charged for what it delivered.
    await bed.operator.eventually(() => bed.operator.get(`requests/${firstId}`), 5_000, (record) => record['state'] === 'streaming');
    await bed.gateway.kill();
    restarted = await startGatewayProcess({ dataDirectory: bed.gateway.dataDirectory });
    const operator = new Operator(restarted);
    const client = new ChatClient(restarted.url, bed.tenant.key);
    const retried = await operator.eventually(() => client.chat(body(model, { stream: true }), under('killed')), 40_000, (answer) => answer.status !== 409);
    expect(retried.status).toBe(200);
    expect(retried.text).toContain('eight');
    expect(bed.asked('killed')).toHaveLength(2);
    const record = await operator.request(String(retried.headers['x-request-id']));
    const report = await operator.eventually(() => operator.get('ledger/verify'), 5_000, (each) => each['open_holds'] === 0);
    expect(report).toMatchObject({ drift_nano_usd: 0 });
    await operator.eventually(() => operator.get(`requests/${firstId}`), 5_000, (first) => first['state'] === 'compensated' && nanoOf(first['refunded_usd']) > 0n);
    const charged = 1000n * 1_000_000_000n - nanoOf(record['cost_usd']);
    await operator.eventually(() => operator.get(`accounts/${bed.tenant.organizationId}`), 5_000, (account) => nanoOf(account['balance_usd']) === charged);
  });
});
