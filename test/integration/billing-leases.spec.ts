import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import type { Hold, HoldRequest } from '../../src/core/ledger/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdOn, holdRequest, startLedger, temporaryDirectory, until, type TestLedger } from './billing-harness.js';

jest.setTimeout(30_000);

const LEASES = { leaseTendMs: 20, leaseIdleMs: 1_500, leaseShortMs: 500, leasePoorMs: 50 };

describe('larger leases against a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let ledger: TestLedger;
  let other: TestLedger;
  let accounts: Accounts;
  let organizationCount = 0;
  const directory = temporaryDirectory();
  const verify = () => new LedgerVerify(fixture.database).verify();

  beforeAll(async () => {
    fixture = await createTestDatabase();
    accounts = new Accounts(fixture.database);
    ledger = await startLedger(fixture.database, directory.path, LEASES);
    other = await startLedger(fixture.database, directory.path, LEASES);
  });
  afterEach(async () => {
    expect([...ledger.problems, ...other.problems]).toEqual([]);
    expect((await verify()).invariants.filter(({ ok }) => !ok)).toEqual([]);
  });
  afterAll(async () => {
    await ledger.engine.stop();
    await other.engine.stop();
    expect(await verify()).toMatchObject({ ok: true, driftNanoUsd: 0n, openLeaseCount: 0, openHoldCount: 0 });
    await fixture.drop();
    directory.remove();
  });

  const request = (organizationId: string, tokens: number, more: Parameters<typeof holdRequest>[2] = {}): HoldRequest =>
    holdRequest(organizationId, tokens, { strict: false, ...more });
  /** A new organization: a retried test must not meet what its first try left. */
  async function fund(tokens: number): Promise<string> {
    organizationCount += 1;
    const organizationId = `organization-${organizationCount}`;
    await new Credits(fixture.database).grant({ organizationId, amountNanoUsd: BigInt(tokens) * 1_000n, reason: 'test' });
    return organizationId;
  }
  const leases = async (organizationId: string) =>
    (
      await fixture.database.query<{ number: string; amount: string; exact: boolean; engine_id: string }>(
        'SELECT l.number, l.amount, l.exact, l.engine_id FROM ledger_leases l JOIN ledger_ceilings c ON c.id = l.ceiling_id WHERE c.organization_id = $1 ORDER BY c.id, l.number',
        [organizationId],
      )
    ).rows;

  /** Whether a hold is decided without waiting for anything outside this process. */
  async function isImmediate(asked: HoldRequest): Promise<Hold | null> {
    let hold: Hold | null = null;
    const pending = holdOn(ledger.engine, asked).then((granted) => (hold = granted));
    for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
    const immediate = hold as Hold | null;
    (await pending).settle(ending(1));
    return immediate;
  }

  it('carves from a lease in memory once traffic asks, and gives it back when it is idle', async () => {
    const busy = await fund(100_000);
    await until(async () => (await isImmediate(request(busy, 10))) !== null);
    const [lease, ...more] = (await leases(busy)).filter(({ exact }) => !exact);
    expect(more).toEqual([]);
    expect(BigInt(lease?.amount ?? 0)).toBeLessThanOrEqual(100_000_000n / 16n);
    await ledger.engine.flush();
    const hold = await ledger.engine.hold(request(busy, 10));
    hold.forwarded({ provider: 'p', upstreamModel: 'm', number: 1, atMs: Date.now() });
    await until(async () => (await accounts.get(busy)).heldNanoUsd === 10_000n);
    const account = await accounts.get(busy);
    expect(account.leasedNanoUsd).toBeGreaterThan(0n);
    expect(account.availableNanoUsd).toBe(account.balanceNanoUsd - 10_000n);
    // Idle: what the hold does not need goes back, and the lease is exactly the hold until it ends.
    await until(async () => (await leases(busy)).length === 1 && (await accounts.get(busy)).leasedNanoUsd === 0n);
    expect(await leases(busy)).toMatchObject([{ amount: '10000', exact: true }]);
    hold.settle(ending(4));
    await until(async () => (await leases(busy)).length === 0);
    expect(await verify()).toMatchObject({ ok: true, driftNanoUsd: 0n });
  });

  it('commits each hold by itself when it is told to be strict, when one request comes alone, and when credit is poor', async () => {
    const strict = await fund(100_000);
    for (let round = 0; round < 5; round += 1) expect(await isImmediate(request(strict, 10, { strict: true }))).toBeNull();
    const poor = await fund(100);
    for (let round = 0; round < 5; round += 1) expect(await isImmediate(request(poor, 10))).toBeNull();
    await ledger.engine.flush();
    expect([...(await leases(strict)), ...(await leases(poor))]).toEqual([]);
  });

  it('needs a lease on every ceiling, budgets included, and nothing is spent above one', async () => {
    const budget = await fund(1_000_000);
    const budgets = [{ scope: 'key' as const, id: 'leased', amountNanoUsd: 500_000n, period: 'month' as const }];
    let admitted = 0;
    let refused = 0;
    await Promise.all(
      Array.from({ length: 8 }, async (_, index) => {
        while (refused === 0) {
          const hold = await holdOn((index % 2 === 0 ? ledger : other).engine, request(budget, 2, { budgets })).catch((error: { code: string }) => {
            expect(error.code).toBe('budget_exceeded');
            refused += 1;
            return null;
          });
          await new Promise(setImmediate);
          if (hold !== null) admitted += 1;
          hold?.settle(ending(2));
        }
      }),
    );
    await Promise.all([ledger.engine.flush(), other.engine.flush()]);
    expect(admitted).toBe(250);
    expect(await accounts.listBudgets('key', 'leased')).toMatchObject([{ spentNanoUsd: 500_000n }]);
    expect((await leases(budget)).length).toBeGreaterThan(0);
  });

  it('hands over at once what another engine asks for, and only then refuses', async () => {
    const shared = await fund(10_000);
    const holds: Hold[] = [];
    await until(async () => {
      holds.push(await ledger.engine.hold(request(shared, 10)));
      return (await leases(shared)).some(({ exact }) => !exact);
    });
    const ended = holds.splice(0, holds.length / 2);
    for (const hold of ended) hold.settle(ending(10));
    // All that is left, to the last token.
    const left = 10_000 - 10 * (ended.length + holds.length);
    const rest = await other.engine.hold(request(shared, left));
    await expect(holdOn(other.engine, request(shared, 1))).rejects.toMatchObject({ code: 'insufficient_credits', status: 402 });
    rest.settle(ending(left));
    for (const hold of holds) hold.settle(ending(10));
    await Promise.all([ledger.engine.flush(), other.engine.flush()]);
    expect(await accounts.get(shared)).toMatchObject({ balanceNanoUsd: 0n });
  });

  it('two engines drain an account to its last cent and refuse nothing before', async () => {
    const drained = await fund(30_000);
    let admitted = 0;
    const over = new Set<number>();
    await Promise.all(
      Array.from({ length: 16 }, async (_, index) => {
        const { engine } = index % 2 === 0 ? ledger : other;
        while (!over.has(index)) {
          const hold = await holdOn(engine, request(drained, 10)).catch((error: { code: string }) => {
            expect(error.code).toBe('insufficient_credits');
            over.add(index);
            return null;
          });
          await new Promise((resolve) => setTimeout(resolve, 1));
          if (hold !== null) admitted += 1;
          hold?.settle(ending(10));
        }
      }),
    );
    await Promise.all([ledger.engine.flush(), other.engine.flush()]);
    expect(admitted).toBe(3_000);
    expect(await accounts.get(drained)).toMatchObject({ balanceNanoUsd: 0n, heldNanoUsd: 0n });
  });
});
