import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { LedgerRequests } from '../../src/billing/accounts/request-money.service.js';
import type { Hold } from '../../src/core/ledger/index.js';
import { Database, databaseSettings, type Queryable, type TransactionOptions } from '../../src/platform/database/index.js';
import { newId } from '../../src/platform/ids/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdOn, holdRequest, startLedger, temporaryDirectory, until, type TestLedger } from './billing-harness.js';

jest.setTimeout(20_000);

/** Takes its time for what an engine posts. */
class SlowDatabase extends Database {
  override async transaction<Result>(work: (transaction: Queryable) => Promise<Result>, options?: TransactionOptions): Promise<Result> {
    await new Promise((resolve) => setTimeout(resolve, 120));
    return super.transaction(work, options);
  }
}

describe('holds against a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let ledger: TestLedger;
  let other: TestLedger;
  let credits: Credits;
  let accounts: Accounts;
  const directory = temporaryDirectory();
  const verify = () => new LedgerVerify(fixture.database).verify();

  beforeAll(async () => {
    fixture = await createTestDatabase();
    credits = new Credits(fixture.database);
    accounts = new Accounts(fixture.database);
    ledger = await startLedger(fixture.database, directory.path);
    other = await startLedger(fixture.database, directory.path);
  });
  afterEach(() => expect([...ledger.problems, ...other.problems]).toEqual([]));
  afterAll(async () => {
    await ledger.engine.stop();
    await other.engine.stop();
    await fixture.drop();
    directory.remove();
  });

  async function fund(organizationId: string, tokens: number): Promise<void> {
    await credits.grant({ organizationId, amountNanoUsd: BigInt(tokens) * 1_000n, reason: 'test' });
  }

  it('charges what was used, releases the rest, and says where the money went', async () => {
    await fund('simple', 1_000);
    const hold = await ledger.engine.hold(holdRequest('simple', 100));
    expect(await accounts.get('simple')).toEqual({
      organizationId: 'simple', balanceNanoUsd: 1_000_000n, heldNanoUsd: 100_000n, availableNanoUsd: 900_000n, leasedNanoUsd: 0n,
    });
    hold.forwarded({ provider: 'p', upstreamModel: 'm', number: 1, atMs: Date.now() });
    const settlement = hold.settle(ending(30));
    expect(hold.settle(ending(99))).toBe(settlement);
    expect(settlement).toMatchObject({ state: 'completed', chargedNanoUsd: 30_000n, costNanoUsd: 30_000n, providerCostNanoUsd: 15_000n, estimated: false });
    await ledger.engine.flush();
    expect(await accounts.get('simple')).toMatchObject({ balanceNanoUsd: 970_000n, heldNanoUsd: 0n, availableNanoUsd: 970_000n });
    const entries = await new LedgerRequests(fixture.database).listEntries(hold.requestId);
    expect(entries.map(({ kind, account, amountNanoUsd }) => [kind, account, amountNanoUsd])).toEqual([
      ['capture', 'credit', -30_000n], ['capture', 'revenue', 30_000n], ['capture', 'provider_cost', 15_000n], ['capture', 'operator', -15_000n],
    ]);
    expect(await new LedgerRequests(fixture.database).find(hold.requestId)).toMatchObject({
      state: 'completed', holdNanoUsd: 100_000n, chargedNanoUsd: 30_000n, lines: [{ class: 'output', quantity: 30, priceNanoUsd: '1000000000' }],
    });
  });

  it('admits exactly ten of 200 concurrent requests on credit for ten, over two engines (F01)', async () => {
    await fund('hot', 1_000);
    const asked = Array.from({ length: 200 }, (_, index) => (index % 2 === 0 ? ledger : other).engine.hold(holdRequest('hot', 100)));
    const results = await Promise.allSettled(asked);
    const holds = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : []));
    expect(holds).toHaveLength(10);
    expect(refusals).toEqual(Array.from({ length: 190 }, () => 'insufficient_credits'));
    expect(await accounts.get('hot')).toMatchObject({ availableNanoUsd: 0n, heldNanoUsd: 1_000_000n });
    for (const hold of holds) hold.settle(ending(100));
    await ledger.engine.flush();
    await other.engine.flush();
    expect(await accounts.get('hot')).toMatchObject({ balanceNanoUsd: 0n, heldNanoUsd: 0n });
    expect(await verify()).toMatchObject({ ok: true, driftNanoUsd: 0n, openHoldCount: 0, openLeaseCount: 0 });
  });

  it('never refuses for money that is on its way back, in this engine or another', async () => {
    const thin = newId('org');
    await fund(thin, 110);
    for (let round = 0; round < 6; round += 1) {
      const first = await ledger.engine.hold(holdRequest(thin, 100));
      first.settle(ending(1));
      const second = await other.engine.hold(holdRequest(thin, 100));
      second.settle(ending(0, { end: 'canceled', hadHeaders: false }));
    }
    await until(async () => (await accounts.get(thin)).balanceNanoUsd === 104_000n);
  });

  it('waits for an end that another engine is slow to post', async () => {
    const slow = newId('org');
    await fund(slow, 110);
    const database = new SlowDatabase(databaseSettings(fixture.url));
    const slowly = await startLedger(database, directory.path);
    const first = await slowly.engine.hold(holdRequest(slow, 100));
    first.settle(ending(1));
    const second = await other.engine.hold(holdRequest(slow, 100));
    second.settle(ending(1));
    await slowly.engine.stop();
    await database.close();
    await until(async () => (await accounts.get(slow)).balanceNanoUsd === 108_000n);
    expect(slowly.problems).toEqual([]);
  });

  it('lets a smaller request through where a larger one does not fit', async () => {
    await fund('mixed', 100);
    const results = await Promise.allSettled([60, 60, 40].map((tokens) => ledger.engine.hold(holdRequest('mixed', tokens))));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    for (const result of results) if (result.status === 'fulfilled') result.value.settle(ending(0, { end: 'failed', hadContent: false }));
    await ledger.engine.flush();
    expect(await accounts.get('mixed')).toMatchObject({ availableNanoUsd: 100_000n });
  });

  it('tells a budget that is used up from credit that is', async () => {
    await fund('budgeted', 1_000);
    const budgets = [{ scope: 'key' as const, id: 'k1', amountNanoUsd: 150_000n, period: 'day' as const }];
    const hold = await ledger.engine.hold(holdRequest('budgeted', 100, { budgets, timezone: 'Asia/Seoul' }));
    await expect(holdOn(ledger.engine, holdRequest('budgeted', 100, { budgets, timezone: 'Asia/Seoul' }))).rejects.toMatchObject({ code: 'budget_exceeded', status: 402 });
    hold.settle(ending(100));
    await expect(holdOn(ledger.engine, holdRequest('budgeted', 51, { budgets, timezone: 'Asia/Seoul' }))).rejects.toMatchObject({ code: 'budget_exceeded' });
    await expect(holdOn(ledger.engine, holdRequest('budgeted', 901))).rejects.toMatchObject({ code: 'insufficient_credits' });
    expect(await accounts.listBudgets('key', 'k1')).toMatchObject([{ period: 'day', amountNanoUsd: 150_000n, spentNanoUsd: 100_000n, heldNanoUsd: 0n }]);
    const raised = [{ ...budgets[0], amountNanoUsd: 160_000n }] as typeof budgets;
    (await ledger.engine.hold(holdRequest('budgeted', 60, { budgets: raised, timezone: 'Asia/Seoul' }))).settle(ending(10));
    await ledger.engine.flush();
    expect(await accounts.listBudgets('key', 'k1')).toMatchObject([{ spentNanoUsd: 110_000n }]);
    for (const period of ['total', 'week', 'month'] as const) {
      const one = [{ scope: 'project' as const, id: `p-${period}`, amountNanoUsd: 10_000n, period }];
      await expect(holdOn(ledger.engine, holdRequest('budgeted', 11, { budgets: one }))).rejects.toMatchObject({ code: 'budget_exceeded' });
      (await ledger.engine.hold(holdRequest('budgeted', 10, { budgets: one }))).settle(ending(10));
    }
    await ledger.engine.flush();
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('charges more than the hold only as far as the credit goes; the rest is the operator’s loss (F26)', async () => {
    await fund('over', 150);
    const hold = await ledger.engine.hold(holdRequest('over', 100));
    expect(hold.settle(ending(1_000))).toMatchObject({ chargedNanoUsd: 100_000n, costNanoUsd: 1_000_000n });
    await ledger.engine.flush();
    expect(await accounts.get('over')).toMatchObject({ balanceNanoUsd: 0n });
    expect(await new LedgerRequests(fixture.database).find(hold.requestId)).toMatchObject({ chargedNanoUsd: 150_000n, lossNanoUsd: 850_000n });
    expect((await verify()).invariants.filter(({ ok }) => !ok)).toEqual([]);
  });

  it('admits a free request without credit, and refuses a hold no account could have', async () => {
    const free = await ledger.engine.hold(holdRequest('penniless', 0));
    free.settle(ending(0, { price: { ...ending(0).price, free: true } as never }));
    await expect(holdOn(ledger.engine, { ...holdRequest('penniless', 1), amountNanoUsd: 10n ** 30n })).rejects.toMatchObject({ code: 'insufficient_credits' });
    await ledger.engine.flush();
    expect(await verify()).toMatchObject({ ok: true });
  });

  it('shows a running request as held and open, and streaming after its first checkpoint', async () => {
    await fund('running', 1_000);
    const hold = await ledger.engine.hold(holdRequest('running', 100));
    hold.forwarded({ provider: 'p', upstreamModel: 'm', number: 1, atMs: Date.now() });
    await until(async () => (await verify()).openHoldCount === 1);
    hold.checkpoint({ ...ending(7).delivered }, ending(7).price as never);
    const requests = new LedgerRequests(fixture.database);
    await until(async () => (await requests.find(hold.requestId))?.state === 'streaming');
    hold.settle(ending(9));
    await ledger.engine.flush();
    expect(await requests.find(hold.requestId)).toMatchObject({ state: 'completed', chargedNanoUsd: 9_000n });
    expect(await verify()).toMatchObject({ ok: true, openHoldCount: 0 });
  });

  it('says 503, and never 402, when the database cannot be asked (F14)', async () => {
    await fund('outage', 1_000);
    const real = fixture.database.query.bind(fixture.database);
    const broken = jest.spyOn(fixture.database, 'query').mockImplementation((statement, values) => {
      const text = typeof statement === 'string' ? statement : statement.text;
      return text.includes('ledger_admit') ? real("SELECT pg_sleep(10), 'admit'") : real(statement, values);
    });
    const startedMs = Date.now();
    await expect(holdOn(ledger.engine, holdRequest('outage', 1))).rejects.toMatchObject({ code: 'service_unavailable', status: 503 });
    expect(Date.now() - startedMs).toBeLessThan(2_500);
    broken.mockRestore();
    let hold: Hold | null = null;
    await until(async () => {
      hold = await holdOn(ledger.engine, holdRequest('outage', 1)).catch(() => null);
      return hold !== null;
    });
    (hold as Hold | null)?.settle(ending(1));
  }, 20_000);
});
