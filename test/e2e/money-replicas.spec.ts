import { ChatClient, user } from '../support/chat-client.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { startGatewayProcess, type GatewayProcess } from '../support/gateway-process.js';
import { Operator } from '../support/operator.js';
import { answers, UpstreamSimulator } from '../support/upstream-simulator/index.js';

const TIMEOUT_MS = 90_000;
const NANO = 1_000_000_000n;
const BODY = { messages: user('Hello'), max_tokens: 100 };

function nano(usd: unknown): bigint {
  const [whole = '0', fraction = ''] = String(usd).split('.');
  return BigInt(whole) * NANO + BigInt(fraction.padEnd(9, '0'));
}

function usd(nanoUsd: bigint): string {
  return `${nanoUsd / NANO}.${(nanoUsd % NANO).toString().padStart(9, '0')}`;
}

/** Two gateways, two machines' worth of directories, one database. */
describe('money over two replicas', () => {
  let simulator: UpstreamSimulator;
  let database: TestDatabase;
  const replicas: GatewayProcess[] = [];
  let operator: Operator;

  beforeAll(async () => {
    simulator = await UpstreamSimulator.start();
    database = await createTestDatabase();
    const env = { DATABASE_URL: database.url, OG_MASTER_KEY: '42'.repeat(32), OG_ADMIN_TOKEN: 'operator-token-of-both-replicas-0123456789' };
    for (let index = 0; index < 2; index += 1) replicas.push(await startGatewayProcess({ env }));
    operator = new Operator(replicas[0] as GatewayProcess);
    await operator.apply({
      version: 1,
      providers: [{ id: 'upstream', type: 'openai-compatible', base_url: simulator.baseUrl('openai-chat'), credentials: [{ id: 'main', key: 'k' }], health: 'off' }],
      models: ['held', 'plain'].map((id) => ({
        id: `money/${id}`, serve: [{ provider: 'upstream', model: id }], price: { input: '3.00', output: '15.00' }, capabilities: { max_output: 1000 },
      })),
    });
  }, TIMEOUT_MS);

  afterAll(async () => {
    for (const replica of replicas) await replica.remove();
    await database?.drop();
    await simulator?.stop();
  });

  const clients = (key: string): ChatClient[] => replicas.map(({ url }) => new ChatClient(url, key));

  /** A key made through one replica is known to the other when its change was heard. */
  async function knownToBoth(key: string): Promise<void> {
    for (const { url } of replicas) {
      const ask = async (): Promise<number> => (await fetch(`${url}/v1/key`, { headers: { authorization: `Bearer ${key}` } })).status;
      await operator.eventually(ask, 10_000, (status) => status === 200);
    }
  }

  /** What a request of that body holds, and that both replicas know model and key. */
  async function holdOf(): Promise<bigint> {
    const rich = await operator.tenant({ creditUsd: '1' });
    let hold = 0n;
    for (const client of clients(rich.key)) {
      const answer = await operator.eventually(() => client.chat({ model: 'money/plain', ...BODY }), 10_000, ({ status }) => status === 200);
      hold = nano((await operator.request(String(answer.headers['x-request-id'])))['hold_usd']);
    }
    return hold;
  }

  it(
    'admits exactly ten of 200 at once on credit for ten',
    async () => {
      simulator.on('held', answers('done', { hold: true }));
      simulator.on('plain', answers({ text: 'ok', usage: { prompt: 10, completion: 10 } }));
      const hold = await holdOf();
      const tenant = await operator.tenant({ creditUsd: usd(hold * 10n) });
      let refusedCount = 0;
      const asked = clients(tenant.key);
      await knownToBoth(tenant.key);
      const calls = Array.from({ length: 200 }, async (_, index) => {
        const answer = await (asked[index % 2] as ChatClient).chat({ model: 'money/held', ...BODY });
        if (answer.status !== 200) refusedCount += 1;
        return answer.status;
      });
      await operator.eventually(async () => refusedCount, 30_000, (count) => count >= 190);
      await simulator.until((stats) => stats.held === 10);
      simulator.release('held');
      const statuses = await Promise.all(calls);
      expect([statuses.filter((status) => status === 200).length, statuses.filter((status) => status === 402).length]).toEqual([10, 190]);
      const verified = await operator.eventually(() => operator.get('ledger/verify'), 10_000, (report) => report['open_holds'] === 0);
      expect(verified).toMatchObject({ ok: true, drift_nano_usd: 0 });
    },
    TIMEOUT_MS,
  );

  it(
    'refuses nothing while the other replica has spendable credit leased, and spends nothing beyond it',
    async () => {
      const hold = await holdOf();
      const cost = 10n * 3_000n + 10n * 15_000n;
      // Enough for leases (a sixteenth is several holds) and for a few hundred requests.
      const credit = hold * 40n;
      const tenant = await operator.tenant({ creditUsd: usd(credit) });
      const [first, second] = clients(tenant.key) as [ChatClient, ChatClient];
      await knownToBoth(tenant.key);
      // One replica is busy, so it leases; the other then asks for all that is left, hold by hold.
      let spentCount = 0;
      for (let round = 0; round < 40; round += 1) {
        expect((await first.chat({ model: 'money/plain', ...BODY })).status).toBe(200);
        spentCount += 1;
      }
      const large = { messages: user('Hello'), max_tokens: 1_000 };
      for (;;) {
        const answer = await second.chat({ model: 'money/plain', ...large });
        if (answer.status === 402) break;
        expect(answer.status).toBe(200);
        spentCount += 1;
        if (spentCount > 5_000) throw new Error('the credit never ended');
      }
      const account = await operator.eventually(
        () => operator.get(`accounts/${tenant.organizationId}`),
        5_000,
        (row) => nano(row['balance_usd']) === credit - BigInt(spentCount) * cost,
      );
      // Refused only when what was left did not cover the hold of the large request.
      expect(nano(account['balance_usd'])).toBeLessThan(hold * 10n + hold);
      expect(await operator.get('ledger/verify')).toMatchObject({ ok: true, drift_nano_usd: 0 });
    },
    TIMEOUT_MS,
  );
});
