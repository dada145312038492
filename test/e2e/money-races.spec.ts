import { user } from '../support/chat-client.js';
import { Testbed } from '../support/testbed.js';
import { answers } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 60_000;

/** What changes while requests run: keys and prices. Every answer is charged once, at the price it began with. */
describe('money while something changes', () => {
  let bed: Testbed;

  beforeAll(async () => {
    bed = await Testbed.start();
  }, TIMEOUT_MS);
  afterAll(() => bed?.stop(), TIMEOUT_MS);

  const verified = () => bed.operator.eventually(() => bed.operator.get('ledger/verify'), 5_000, (report) => report['open_holds'] === 0 && report['ok'] === true);

  it(
    'a key that is rotated under traffic loses no request and charges each once',
    async () => {
      const model = await bed.model('rotated', { solo: answers({ text: 'ok', usage: { prompt: 1000, completion: 100 } }) });
      const tenant = await bed.operator.tenant({ creditUsd: '10' });
      let key = tenant.key;
      let stop = false;
      const statuses: number[] = [];
      const traffic = Array.from({ length: 8 }, async () => {
        while (!stop) statuses.push((await bed.clientOf(key).chat({ model, messages: user('x'), max_tokens: 200 })).status);
      });
      for (let rotation = 0; rotation < 3; rotation += 1) {
        const seen = statuses.length;
        await bed.operator.eventually(async () => statuses.length, 10_000, (count) => count >= seen + 15);
        key = String((await bed.operator.post(`keys/${tenant.keyId}/rotate`, { overlap_seconds: rotation === 2 ? 60 : 5 }).catch(() => ({ key })))['key']);
      }
      const seen = statuses.length;
      await bed.operator.eventually(async () => statuses.length, 10_000, (count) => count >= seen + 15);
      stop = true;
      await Promise.all(traffic);
      expect(new Set(statuses)).toEqual(new Set([200]));
      expect(await verified()).toMatchObject({ drift_nano_usd: 0 });
      const usage = await bed.operator.get(`usage?organization_id=${tenant.organizationId}&group_by=key`);
      expect(usage['data']).toMatchObject([{ key_id: tenant.keyId, requests: statuses.length }]);
      expect(Math.round(Number((usage['total'] as Record<string, string>)['cost_usd']) * 1e9)).toBe(statuses.length * 4_500_000);
    },
    TIMEOUT_MS,
  );

  it(
    'a stream that runs while its key is revoked is finished and charged; the next request is 401',
    async () => {
      const model = await bed.model('revoked', { solo: answers({ text: 'held', usage: { prompt: 1000, completion: 100 } }, { hold: true }) });
      const tenant = await bed.operator.tenant({ creditUsd: '1' });
      const running = bed.clientOf(tenant.key).chat({ model, messages: user('x'), max_tokens: 200 });
      await bed.simulator.until((stats) => stats.held === 1);
      await bed.operator.delete(`keys/${tenant.keyId}`);
      expect((await bed.clientOf(tenant.key).chat({ model, messages: user('x') })).status).toBe(401);
      bed.simulator.release('revoked.solo');
      const answer = await running;
      expect([answer.status, answer.headers['x-og-cost-usd']]).toEqual([200, '0.0045']);
      expect(await verified()).toMatchObject({ drift_nano_usd: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'a price that changes under a running request leaves it at the price it was admitted with, and the version of each is kept',
    async () => {
      const facts = (input: string) => ({ price: { input, output: '15.00' } });
      const model = await bed.model('repriced', { solo: answers({ text: 'held', usage: { prompt: 1000, completion: 100 } }, { hold: true }) }, facts('3.00'));
      const first = bed.client.chat({ model, messages: user('x'), max_tokens: 200 });
      await bed.simulator.until((stats) => stats.held === 1);
      await bed.model('repriced', { solo: answers({ text: 'held', usage: { prompt: 1000, completion: 100 } }) }, facts('6.00'));
      const second = await bed.client.chat({ model, messages: user('x'), max_tokens: 200 });
      bed.simulator.release('repriced.solo');
      const [before, after] = [await first, second].map(({ headers }) => headers);
      expect([before?.['x-og-cost-usd'], after?.['x-og-cost-usd']]).toEqual(['0.0045', '0.0075']);
      const records = await Promise.all([before, after].map((headers) => bed.operator.request(String(headers?.['x-request-id']))));
      expect(new Set(records.map((record) => record['price_id'])).size).toBe(2);
      expect(await verified()).toMatchObject({ drift_nano_usd: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'prices by the clock are charged as they are in force, and their plan is shown as it was written',
    async () => {
      const [year, tomorrow] = [new Date().getUTCFullYear() - 1, new Date(Date.now() + 86_400_000).toISOString()];
      const price = [{ input: '1.00', output: '1.00' }, { input: '2.00', output: '2.00', effective_from: `${year}-01-01`, windows: [{ days: [0, 1, 2, 3, 4, 5, 6], input: '4.00', output: '4.00' }] }, { input: '9.00', output: '9.00', effective_from: tomorrow }];
      const model = await bed.model('timed', { solo: answers({ text: 'ok', usage: { prompt: 1000, completion: 100 } }) }, { price });
      const answer = await bed.client.chat({ model, messages: user('x'), max_tokens: 200 });
      expect(answer.headers['x-og-cost-usd']).toBe('0.0044');
      const unpriced = await bed.model('tomorrow', { solo: answers({ text: 'ok' }) }, { price: { input: '1', output: '1', effective_from: tomorrow } });
      const refused = await bed.client.chat({ model: unpriced, messages: user('x') });
      expect([refused.status, (refused.json['error'] as Record<string, unknown>)['code']]).toEqual([400, 'unpriced']);
      const document = await bed.operator.get('config');
      const written = (document['models'] as Record<string, unknown>[]).find(({ id }) => id === model);
      expect(written?.['price']).toMatchObject([{ input: '1' }, { input: '2', windows: [{ days: [0, 1, 2, 3, 4, 5, 6], input: '4' }] }, { input: '9' }]);
    },
    TIMEOUT_MS,
  );
});
