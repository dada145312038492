import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ChatClient, user } from '../support/chat-client.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';
import { answers, UpstreamSimulator } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 90_000;
const NANO = 1_000_000_000n;

function nano(usd: unknown): bigint {
  const [whole = '0', fraction = ''] = String(usd).split('.');
  return BigInt(whole) * NANO + BigInt(fraction.padEnd(9, '0'));
}

function usd(nanoUsd: bigint): string {
  return `${nanoUsd / NANO}.${(nanoUsd % NANO).toString().padStart(9, '0')}`;
}

/** The CONTRACT's money promises against the real process, over real sockets. */
describe('money', () => {
  let simulator: UpstreamSimulator;
  let gateway: GatewayProcess;
  let operator: Operator;
  const dataDirectory = mkdtempSync(join(tmpdir(), 'og-money-'));

  const model = (id: string): Record<string, unknown> => ({
    id: `money/${id}`,
    serve: [{ provider: 'upstream', model: id }],
    price: { input: '3.00', output: '15.00' },
    capabilities: { max_output: 1000 },
  });

  async function start(): Promise<void> {
    gateway = await startGatewayProcess({ dataDirectory });
    operator = new Operator(gateway);
  }

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    await start();
    await operator.apply({
      version: 1,
      providers: [
        { id: 'upstream', type: 'openai-compatible', base_url: simulator.baseUrl('openai-chat'), credentials: [{ id: 'main', key: 'k' }], health: 'off' },
      ],
      models: ['held', 'stream', 'plain', 'no-usage', 'greedy'].map(model),
    });
  }, TIMEOUT_MS);

  afterAll(async () => {
    await gateway?.remove();
    await simulator?.stop();
    rmSync(dataDirectory, { recursive: true, force: true });
  });

  it(
    'admits exactly what the credit covers: 200 at once on credit for 10 are 10 answers and 190 × 402',
    async () => {
      simulator.on('held', answers('done', { hold: true }));
      simulator.on('plain', answers('done'));
      const body = { messages: user('Hello'), max_tokens: 100 };
      const rich = await operator.tenant({ creditUsd: '1' });
      const probe = await new ChatClient(gateway.url, rich.key).chat({ model: 'money/plain', ...body });
      expect(probe.status).toBe(200);
      const hold = nano((await operator.request(String(probe.headers['x-request-id'])))['hold_usd']);
      const tenant = await operator.tenant({ creditUsd: usd(hold * 10n) });
      const client = new ChatClient(gateway.url, tenant.key);
      let decided = 0;
      const calls = Array.from({ length: 200 }, () =>
        client.chat({ model: 'money/held', ...body }).then((answer) => {
          if (answer.status !== 200) decided += 1;
          return answer;
        }),
      );
      await operator.eventually(
        async () => decided,
        30_000,
        (count) => count >= 190,
      );
      await simulator.until((stats) => stats.held === 10);
      simulator.release('held');
      const ended = await Promise.all(calls);
      const statuses = ended.map((answer) => answer.status);
      expect([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 402).length]).toEqual([10, 190]);
      const refused = ended.find((answer) => answer.status === 402);
      expect(refused?.json['error']).toMatchObject({ code: 'insufficient_credits', type: 'insufficient_quota' });
      expect(refused?.headers).toMatchObject({ 'x-should-retry': 'false' });
      expect(refused?.headers['retry-after']).toBeUndefined();
      expect(simulator.requestsOf('held')).toHaveLength(10);
      const verified = await operator.eventually(
        () => operator.get('ledger/verify'),
        5_000,
        (report) => report['open_holds'] === 0,
      );
      expect(verified).toMatchObject({ ok: true, drift_nano_usd: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'charges the provider’s usage at the price, to the nano-USD, and says so everywhere alike',
    async () => {
      simulator.on('plain', answers({ text: 'four words are here', usage: { prompt: 1234, completion: 567 } }));
      const tenant = await operator.tenant({ creditUsd: '5' });
      const answer = await new ChatClient(gateway.url, tenant.key).chat({ model: 'money/plain', messages: user('x'), max_tokens: 900 });
      const expected = 1234n * 3_000n + 567n * 15_000n;
      expect(answer.headers['x-og-cost-usd']).toBe('0.012207');
      expect(nano(answer.headers['x-og-cost-usd'])).toBe(expected);
      const record = await operator.request(String(answer.headers['x-request-id']));
      expect(nano(record['cost_usd'])).toBe(expected);
      expect(record).toMatchObject({ state: 'completed', status: 200 });
      const account = await operator.eventually(
        () => operator.get(`accounts/${tenant.organizationId}`),
        3_000,
        (row) => nano(row['balance_usd']) === 5n * NANO - expected,
      );
      expect(account).toMatchObject({ held_usd: '0' });
      const entries = await operator.get(`ledger/entries?request_id=${String(answer.headers['x-request-id'])}`);
      const sum = (entries['data'] as { amount_usd: string }[]).reduce(
        (total, entry) => total + (entry.amount_usd.startsWith('-') ? -nano(entry.amount_usd.slice(1)) : nano(entry.amount_usd)),
        0n,
      );
      expect(sum).toBe(0n);
    },
    TIMEOUT_MS,
  );

  it(
    'estimates when the provider says nothing of usage, and never takes the balance below zero when it delivers more than was held',
    async () => {
      simulator.on('no-usage', answers({ text: 'some words without any usage', usageAt: 'never' }));
      simulator.on('greedy', answers({ text: 'x', usage: { prompt: 10, completion: 1_000_000 } }));
      const tenant = await operator.tenant({ creditUsd: '0.02' });
      const client = new ChatClient(gateway.url, tenant.key);
      const quiet = await client.chat({ model: 'money/no-usage', messages: user('x'), max_tokens: 50 });
      const quietRecord = await operator.request(String(quiet.headers['x-request-id']));
      expect(quietRecord).toMatchObject({ usage_estimated: true });
      expect(nano(quietRecord['cost_usd'])).toBeGreaterThan(0n);
      const greedy = await client.chat({ model: 'money/greedy', messages: user('x'), max_tokens: 50 });
      expect(greedy.status).toBe(200);
      const greedyRecord = await operator.request(String(greedy.headers['x-request-id']));
      expect(nano(greedyRecord['loss_usd'])).toBeGreaterThan(0n);
      const account = await operator.eventually(
        () => operator.get(`accounts/${tenant.organizationId}`),
        3_000,
        (row) => row['held_usd'] === '0',
      );
      expect(nano(account['balance_usd'])).toBe(0n);
      expect((await client.chat({ model: 'money/plain', messages: user('x') })).status).toBe(402);
    },
    TIMEOUT_MS,
  );

  it(
    'refuses bad amounts by name and grants once per idempotency key',
    async () => {
      const tenant = await operator.tenant();
      const grant = (amount: unknown, key?: string): Promise<unknown> =>
        operator.post('credits', { organization_id: tenant.organizationId, amount_usd: amount, reason: 'test', idempotency_key: key });
      for (const amount of ['-1', '0', '1e400', 'abc', 12, '0.0000000001', '999999999999']) await expect(grant(amount)).rejects.toThrow(/400.*amount_usd/);
      await grant('3', 'same');
      await grant('3', 'same');
      expect(await operator.get(`accounts/${tenant.organizationId}`)).toMatchObject({ balance_usd: '3' });
    },
    TIMEOUT_MS,
  );

  it(
    'survives kill -9 in the middle of 50 streams: no open hold, no drift, nothing captured beyond what was delivered',
    async () => {
      simulator.on('stream', answers({ tokens: 400, gapMs: 50 }));
      const tenant = await operator.tenant({ creditUsd: '50' });
      const client = new ChatClient(gateway.url, tenant.key);
      const delivered = new Map<string, number>();
      const opened = await Promise.all(
        Array.from({ length: 50 }, () => client.open({ model: 'money/stream', messages: user('Hello'), max_tokens: 1000, stream: true })),
      );
      for (const { response, request } of opened) {
        const id = String(response.headers['x-request-id']);
        delivered.set(id, 0);
        response.on('data', (chunk: Buffer) => delivered.set(id, (delivered.get(id) ?? 0) + (chunk.toString('utf8').match(/"content":"/g)?.length ?? 0)));
        response.on('error', () => undefined);
        request.on('error', () => undefined);
      }
      await new Promise((resolve) => setTimeout(resolve, 7_000));
      await gateway.kill();
      await start();
      const verified = await operator.eventually(
        () => operator.get('ledger/verify'),
        60_000,
        (report) => report['open_holds'] === 0 && report['ok'] === true,
      );
      expect(verified).toMatchObject({ drift_nano_usd: 0 });
      let captured = 0n;
      for (const [id, tokens] of delivered) {
        const record = await operator.crashedRequest(id);
        const cost = nano(record['cost_usd']);
        captured += cost;
        // Delivered words are two tokens each at most, and the prompt is a few tokens.
        expect(cost).toBeLessThanOrEqual(BigInt(tokens * 2) * 15_000n + 100n * 3_000n);
        expect(['failed', 'canceled', 'completed']).toContain(record['state']);
      }
      expect(captured).toBeGreaterThan(0n);
      expect([...delivered.values()].every((tokens) => tokens > 20)).toBe(true);
    },
    TIMEOUT_MS,
  );
});
