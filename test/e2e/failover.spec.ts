import type { ChatAnswer } from '../support/chat-client.js';
import { user } from '../support/chat-client.js';
import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

jest.setTimeout(60_000);

type Json = Record<string, unknown>;
const errorOf = (answer: ChatAnswer): Json => (answer.json['error'] ?? {}) as Json;

/** Who is asked, and when, beyond the table of outcomes (test/integration/routing.spec.ts). */
describe('failover', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start({ providers: [{ id: 'narrow', max_concurrency: 2 }] });
  });
  afterAll(() => bed?.stop());

  const ask = (model: string, more: Json = {}, headers: Record<string, string> = {}): Promise<ChatAnswer> =>
    bed.client.chat({ model, max_tokens: 1000, messages: user('Hello'), ...more }, headers);

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
});
