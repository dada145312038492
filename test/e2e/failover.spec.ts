import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { framesOf, Testbed, textOf } from '../support/testbed.js';
import { answers, fails, sends } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;

/** Who is asked, and when, beyond the table of outcomes (test/integration/routing.spec.ts). */
describe('failover', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({
      providers: [
        { id: 'narrow', max_concurrency: 2 },
        { id: 'usual', timeouts: { first_byte: '60s', first_byte_min: '300ms' } },
        { id: 'hasty', health: 'off', timeouts: { first_byte: '500ms' } },
        { id: 'hasty-too', health: 'off', timeouts: { first_byte: '500ms' } },
      ],
    });
  });
  afterAll(() => bed?.stop());

  const ask = (model: string, more: Json = {}, headers: Record<string, string> = {}): Promise<ChatAnswer> =>
    bed.client.chat({ model, max_tokens: 1000, messages: user('Hello'), ...more }, headers);

  async function entriesOf(answer: ChatAnswer): Promise<[unknown, unknown, unknown][]> {
    const { data } = await bed.operator.get(`ledger/entries?request_id=${String(answer.headers['x-request-id'])}`);
    return (data as Json[]).map((entry) => [entry['kind'], entry['account'], entry['amount_usd']]);
  }

  describe('a provider’s bulkhead', () => {
    it('sends what does not fit elsewhere, and is free again afterwards', async () => {
      await bed.model('bulkhead', { narrow: answers('slow', { headersAfterMs: 700 }), second: answers('beside it') });
      const all = await Promise.all(Array.from({ length: 8 }, () => ask('t/bulkhead')));
      expect(all.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
      expect([bed.simulator.requestsOf('bulkhead.narrow').length, bed.simulator.requestsOf('bulkhead.second').length]).toEqual([2, 6]);
      const beside = all.find(({ headers }) => headers['x-og-provider'] === 'second') as ChatAnswer;
      expect((await bed.recordOf(beside))['attempts']).toEqual([
        expect.objectContaining({ provider: 'narrow', outcome: 'error', error_code: 'upstream_overloaded' }),
        expect.objectContaining({ provider: 'second', kind: 'fallback', outcome: 'ok' }),
      ]);
      expect((await ask('t/bulkhead')).headers['x-og-provider']).toBe('narrow');
      const health = (await bed.operator.get('providers/health'))['data'] as Json[];
      expect(health.find((row) => row['upstream_model'] === 'bulkhead.narrow')).toMatchObject({ circuit: 'closed', success_rate: 1, consecutive_failures: 0 });
    });

    it('with nobody beside it: 503 with retry-after, 529 for Messages, and nothing is charged', async () => {
      await bed.model('narrow-alone', { narrow: answers('slow', { headersAfterMs: 700 }) });
      const holding = [ask('t/narrow-alone'), ask('t/narrow-alone')];
      await bed.operator.eventually(async () => bed.asked('narrow-alone').length, 2_000, (count) => count === 2);
      const refused = await ask('t/narrow-alone');
      expect([refused.status, errorOf(refused)['code'], refused.headers['retry-after']]).toEqual([503, 'upstream_overloaded', '1']);
      const messages = await fetch(`${bed.gateway.url}/v1/messages`, {
        method: 'POST',
        headers: { 'x-api-key': bed.tenant.key, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 't/narrow-alone', max_tokens: 10, messages: user('Hello') }),
      });
      expect([messages.status, ((await messages.json()) as Json)['error']]).toEqual([529, expect.objectContaining({ type: 'overloaded_error' })]);
      expect((await Promise.all(holding)).map(({ status }) => status)).toEqual([200, 200]);
      expect(await bed.recordOf(refused)).toMatchObject({ state: 'failed', cost_usd: '0' });
      expect(bed.asked('narrow-alone')).toHaveLength(2);
    });
  });

  describe('a hedge', () => {
    const routes = [{ name: 'hedged', match: { model: 't/hedge-*' }, hedge: { after: '200ms' } }];
    const slow = answers({ text: 'late', usage: { prompt: 10, completion: 4 } }, { headersAfterMs: 3_000 });
    const quick = answers({ text: 'in time', usage: { prompt: 10, completion: 4 } });

    it('asks a second one beside a slow one: its answer is the answer, the customer pays once, the loser’s expected cost is ours', async () => {
      await bed.model('hedge-slow', { first: slow, second: quick });
      await bed.operator.apply({ version: 1, routes });
      const answer = await ask('t/hedge-slow');
      expect([answer.status, answer.headers['x-og-provider'], answer.headers['x-og-attempts'], answer.text.includes('in time')]).toEqual([200, 'second', '2', true]);
      const record = await bed.recordOf(answer);
      expect(record).toMatchObject({ state: 'completed', provider: 'second', cost_usd: '0.00009' });
      expect(record['attempts']).toEqual([
        expect.objectContaining({ number: 1, provider: 'first', kind: 'first', outcome: 'canceled' }),
        expect.objectContaining({ number: 2, provider: 'second', kind: 'hedge', outcome: 'ok' }),
      ]);
      const [lost] = bed.simulator.requestsOf('hedge-slow.first');
      await bed.operator.eventually(async () => lost?.abortedAtMs, 1_000, (at) => at !== undefined);
      const entries = await entriesOf(answer);
      expect(entries.filter(([kind, account]) => kind === 'capture' && account === 'credit')).toEqual([['capture', 'credit', '-0.00009']]);
      expect(entries.some(([, account, amount]) => account === 'suspense' && amount !== '0')).toBe(true);
    });

    it('is not sent for a quick answer, a stream, or a request without substitutes', async () => {
      await bed.model('hedge-quick', { first: answers('here'), second: quick });
      await bed.model('hedge-stream', { first: answers('here', { headersAfterMs: 500 }), second: quick });
      expect((await ask('t/hedge-quick')).headers['x-og-attempts']).toBe('1');
      expect((await ask('t/hedge-stream', { stream: true })).headers['x-og-attempts']).toBe('1');
      expect((await ask('t/hedge-stream', {}, { 'x-og-no-fallback': 'true' })).headers['x-og-attempts']).toBe('1');
      expect([bed.simulator.requestsOf('hedge-quick.second').length, bed.simulator.requestsOf('hedge-stream.second').length]).toEqual([0, 0]);
    });

    it('waits for the first one when the hedge fails, and fails when both do', async () => {
      await bed.model('hedge-fails', { first: answers('late but well', { headersAfterMs: 800 }), second: fails(500) });
      await bed.model('hedge-both', { first: fails(503, {}, { headersAfterMs: 500 }), second: fails(500) });
      const answer = await ask('t/hedge-fails');
      expect([answer.status, answer.headers['x-og-provider'], answer.headers['x-og-attempts']]).toEqual([200, 'first', '2']);
      expect((await bed.recordOf(answer))['attempts']).toEqual([expect.objectContaining({ outcome: 'ok' }), expect.objectContaining({ kind: 'hedge', outcome: 'error' })]);
      const failed = await ask('t/hedge-both');
      expect([failed.status, errorOf(failed)['code']]).toEqual([503, 'upstream_overloaded']);
      expect(await bed.recordOf(failed)).toMatchObject({ state: 'failed', cost_usd: '0' });
    });

    it('a client that leaves takes both calls with it', async () => {
      await bed.model('hedge-leaves', { first: slow, second: answers('late, too', { headersAfterMs: 3_000 }) });
      const leaving = new AbortController();
      const asked = fetch(`${bed.gateway.url}/v1/chat/completions`, {
        method: 'POST',
        signal: leaving.signal,
        headers: { authorization: `Bearer ${bed.tenant.key}`, 'content-type': 'application/json' },
        body: JSON.stringify({ model: 't/hedge-leaves', max_tokens: 10, messages: user('Hello') }),
      }).catch(() => null);
      await bed.operator.eventually(async () => bed.asked('hedge-leaves').length, 2_000, (count) => count === 2);
      leaving.abort();
      await asked;
      await bed.operator.eventually(async () => bed.asked('hedge-leaves').filter(({ abortedAtMs }) => abortedAtMs !== undefined).length, 2_000, (count) => count === 2);
      expect(await bed.settled()).toMatchObject({ ok: true, drift_nano_usd: 0 });
    });
  });

  describe('patience', () => {
    it('what usually begins at once is not waited a minute for while another is left; alone it is', async () => {
      await bed.model('patient', { usual: answers({ text: 'quick' }), second: answers('from the second') });
      for (let call = 0; call < 60; call += 1) expect((await ask('t/patient', { stream: true })).headers['x-og-provider']).toBe('usual');
      const rows = (await bed.operator.get('providers/health'))['data'] as Json[];
      const { patience } = rows.find((row) => row['upstream_model'] === 'patient.usual') as { patience: Json };
      expect([Number(patience['first_byte_ms']) >= 300, Number(patience['first_byte_ms']) < 20_000]).toEqual([true, true]);
      const explained = await bed.operator.post('routes/explain', { request: { model: 't/patient', messages: user('x') } });
      expect((explained['candidates'] as Json[]).map(({ provider, wait }) => [provider, (wait as Json)['observed']])).toEqual([['usual', true], ['second', false]]);
      bed.simulator.on('patient.usual', answers('much later', { headersAfterMs: 40_000 }));
      const answer = await ask('t/patient', { stream: true });
      expect([answer.headers['x-og-provider'], textOf(framesOf(answer.text))]).toEqual(['second', 'from the second']);
      expect((await bed.recordOf(answer))['attempts']).toEqual([
        expect.objectContaining({ provider: 'usual', outcome: 'timeout', error_code: 'upstream_timeout' }),
        expect.objectContaining({ provider: 'second', outcome: 'ok' }),
      ]);
      bed.simulator.on('patient.usual', answers('after a while', { headersAfterMs: 4_000 }));
      const alone = await ask('t/patient', { stream: true }, { 'x-og-no-fallback': 'true' });
      expect([alone.status, alone.headers['x-og-provider']]).toEqual([200, 'usual']);
    });
  });

  describe('frames before the first content', () => {
    const role = (filling = ''): string => `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', model: 'm', filling, choices: [{ index: 0, delta: { role: 'assistant' }, finish_reason: null }] })}\n\n`;
    const broken = (count: number, filling = ''): ReturnType<typeof sends> =>
      sends(`${role(filling).repeat(count)}data: {"error":{"message":"busy","code":"overloaded"}}\n\n`, { contentType: 'text/event-stream' });

    it.each([
      ['sixty', broken(60), true],
      ['more than 64', broken(70), false],
      ['200 kB', broken(2, 'x'.repeat(100_000)), true],
      ['more than 256 KiB', broken(3, 'x'.repeat(100_000)), false],
    ])('%s: kept back until then, within bounds', async (name, scenario, isSwitched) => {
      const id = `frames-${name.replaceAll(' ', '-').toLowerCase()}`;
      await bed.model(id, { first: scenario, second: answers('from the second') });
      const answer = await ask(`t/${id}`, { stream: true });
      expect([answer.status, answer.text.includes('from'), answer.text.includes('"error"')]).toEqual([200, isSwitched, !isSwitched]);
      expect(bed.simulator.requestsOf(`${id}.second`)).toHaveLength(isSwitched ? 1 : 0);
    });
  });

  describe('what the client and the route say', () => {
    it('a client that repeats by itself gets no second try of the same deployment', async () => {
      await bed.model('repeated', { solo: fails(503) });
      expect((await ask('t/repeated')).headers['x-og-attempts']).toBe('2');
      expect((await ask('t/repeated', {}, { 'x-stainless-retry-count': '1' })).headers['x-og-attempts']).toBe('1');
      expect(bed.asked('repeated')).toHaveLength(3);
    });

    it('a timeout after the request was sent is answered elsewhere, once, where the route allows it', async () => {
      const served = { hasty: answers('late', { headersAfterMs: 10_000 }), 'hasty-too': answers('late', { headersAfterMs: 10_000 }), second: answers('from the second') };
      await bed.model('ambiguous', served);
      const { hasty, second } = served;
      await bed.model('ambiguous-two', { hasty, second });
      expect((await ask('t/ambiguous-two')).status).toBe(504);
      await bed.operator.apply({ version: 1, routes: [{ name: 'twice', match: { model: 't/ambiguous*' }, fallback_on: ['timeout'] }] });
      const answer = await ask('t/ambiguous-two');
      expect([answer.status, answer.headers['x-og-provider']]).toEqual([200, 'second']);
      await bed.recordOf(answer);
      expect((await entriesOf(answer)).some(([, account]) => account === 'suspense')).toBe(true);
      const twice = await ask('t/ambiguous');
      expect([twice.status, twice.headers['x-og-attempts'], bed.simulator.requestsOf('ambiguous.second').length]).toEqual([504, '2', 0]);
    });
  });
});
