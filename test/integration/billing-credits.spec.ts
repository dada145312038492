import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { Refunds } from '../../src/billing/accounts/refunds.service.js';
import { LedgerRequests } from '../../src/billing/accounts/request-money.service.js';
import { BillingSettings } from '../../src/billing/billing-settings.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdOn, holdRequest, startLedger, temporaryDirectory, type TestLedger } from './billing-harness.js';

jest.setTimeout(20_000);
const TOKEN = 1_000n;

describe('credits and refunds against a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let ledger: TestLedger;
  let credits: Credits;
  let refunds: Refunds;
  const directory = temporaryDirectory();
  const balance = async (id: string) => (await new Accounts(fixture.database).get(id)).balanceNanoUsd / TOKEN;
  const remaining = async (id: string) => (await credits.list(id, { limit: 100 })).reverse().map(({ remainingNanoUsd }) => remainingNanoUsd / TOKEN);

  beforeAll(async () => {
    fixture = await createTestDatabase();
    ledger = await startLedger(fixture.database, directory.path);
    credits = new Credits(fixture.database);
    refunds = new Refunds(fixture.database, new BillingSettings());
  });
  afterEach(async () => {
    expect(ledger.problems).toEqual([]);
    const report = await new LedgerVerify(fixture.database).verify();
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([]);
  });
  afterAll(async () => {
    await ledger.engine.stop();
    await fixture.drop();
    directory.remove();
  });

  const give = (organizationId: string, tokens: number, more: { priority?: number; expiresAtMs?: number; idempotencyKey?: string } = {}) =>
    credits.grant({ organizationId, amountNanoUsd: BigInt(tokens) * TOKEN, reason: 'test', ...more });
  async function spend(organizationId: string, tokens: number, budgets: Parameters<typeof holdRequest>[2] = {}): Promise<string> {
    const hold = await ledger.engine.hold(holdRequest(organizationId, tokens, budgets));
    hold.settle(ending(tokens));
    await ledger.engine.flush();
    return hold.requestId;
  }

  it('grants once per idempotency key, whoever races', async () => {
    const grants = await Promise.all(Array.from({ length: 10 }, () => give('idem', 5, { idempotencyKey: 'k' })));
    expect(new Set(grants.map(({ id }) => id)).size).toBe(1);
    expect(await balance('idem')).toBe(5n);
    await expect(give('idem', 6, { idempotencyKey: 'k' })).rejects.toMatchObject({ code: 'idempotency_mismatch', status: 422 });
    await give('other', 6, { idempotencyKey: 'k' });
    for (const amountNanoUsd of [0n, -1n, 10n ** 18n]) {
      await expect(credits.grant({ organizationId: 'idem', amountNanoUsd, reason: 'bad' })).rejects.toMatchObject({ code: 'invalid_request', param: 'amount_usd' });
    }
  });

  it('refuses the grant that would make a balance too large to count, by name, and keeps what was', async () => {
    const most = 100_000_000n * 1_000_000_000n;
    const give = () => credits.grant({ organizationId: 'rich', amountNanoUsd: most, reason: 'test' });
    for (let count = 0; count < 92; count += 1) await give();
    await expect(give()).rejects.toMatchObject({ code: 'invalid_request', param: 'amount_usd', message: expect.stringContaining('larger than the ledger can count') });
    expect((await new Accounts(fixture.database).get('rich')).balanceNanoUsd).toBe(92n * most);
    expect(await credits.list('rich', { limit: 200 })).toHaveLength(92);
  });

  it('burns by priority, then expiry, then age (I15)', async () => {
    const soon = Date.now() + 3_600_000;
    await give('burn', 10);
    await give('burn', 10, { expiresAtMs: soon * 2 });
    await give('burn', 10, { expiresAtMs: soon });
    await give('burn', 10, { priority: 1 });
    await spend('burn', 15);
    expect(await remaining('burn')).toEqual([10n, 10n, 5n, 0n]);
    await spend('burn', 20);
    expect(await remaining('burn')).toEqual([5n, 0n, 0n, 0n]);
  });

  it('returns a refund to what was burned last, once per key, never more than was charged (F90)', async () => {
    await give('refund', 10, { priority: 1 });
    await give('refund', 10);
    const requestId = await spend('refund', 15, { budgets: [{ scope: 'key', id: 'refunded', amountNanoUsd: 20n * TOKEN, period: 'month' }] });
    const one = { requestId, amountNanoUsd: 6n * TOKEN, reason: 'slow', idempotencyKey: 'a' };
    const results = await Promise.all(Array.from({ length: 20 }, () => refunds.refund(one)));
    expect(new Set(results.map(({ id }) => id)).size).toBe(1);
    expect(await remaining('refund')).toEqual([1n, 10n]);
    expect((await new Accounts(fixture.database).listBudgets('key', 'refunded'))[0]).toMatchObject({ spentNanoUsd: 9n * TOKEN });
    const racing = await Promise.allSettled(Array.from({ length: 20 }, () => refunds.refund({ requestId, amountNanoUsd: 4n * TOKEN, reason: 'race' })));
    expect(racing.filter(({ status }) => status === 'fulfilled')).toHaveLength(2);
    expect(racing.flatMap((result) => (result.status === 'rejected' ? [(result.reason as { code: string }).code] : []))).toEqual(Array.from({ length: 18 }, () => 'refund_exceeds_captured'));
    expect(await refunds.refund({ requestId, reason: 'rest' })).toMatchObject({ amountNanoUsd: TOKEN, refundedNanoUsd: 15n * TOKEN });
    await expect(refunds.refund({ requestId, reason: 'again' })).rejects.toMatchObject({ code: 'refund_exceeds_captured', status: 409 });
    await expect(refunds.refund({ ...one, amountNanoUsd: TOKEN })).rejects.toMatchObject({ code: 'idempotency_mismatch' });
    await expect(refunds.refund({ requestId: 'req_none', reason: 'x' })).rejects.toMatchObject({ code: 'not_found' });
    expect(await balance('refund')).toBe(20n);
    expect(await new LedgerRequests(fixture.database).find(requestId)).toMatchObject({ state: 'compensated', chargedNanoUsd: 15n * TOKEN, refundedNanoUsd: 15n * TOKEN });
  });

  it('does not refund what still runs', async () => {
    await give('running', 10);
    const hold = await ledger.engine.hold(holdRequest('running', 10));
    hold.forwarded({ provider: 'p', upstreamModel: 'm', number: 1, atMs: Date.now() });
    const requests = new LedgerRequests(fixture.database);
    while ((await requests.find(hold.requestId)) === null) await new Promise((resolve) => setTimeout(resolve, 20));
    await expect(refunds.refund({ requestId: hold.requestId, reason: 'early' })).rejects.toMatchObject({ code: 'conflict', status: 409 });
    hold.settle(ending(10));
    await ledger.engine.flush();
  });

  it('takes what expired, but never what is leased; a refund of it is a new grant (I17)', async () => {
    await give('expiry', 10, { expiresAtMs: Date.now() + 600 });
    await give('expiry', 5);
    const spent = await spend('expiry', 4);
    const hold = await ledger.engine.hold(holdRequest('expiry', 8));
    await new Promise((resolve) => setTimeout(resolve, 700));
    // 11 are left, 8 of them leased; 6 have expired, of which 3 are free: what is not leased is all that can go.
    expect(await balance('expiry')).toBe(8n);
    await expect(holdOn(ledger.engine, holdRequest('expiry', 1))).rejects.toMatchObject({ code: 'insufficient_credits' });
    expect(await credits.expire()).toBe(1);
    expect(await remaining('expiry')).toEqual([3n, 5n]);
    hold.settle(ending(2));
    await ledger.engine.flush();
    expect(await remaining('expiry')).toEqual([1n, 5n]);
    await credits.expire();
    expect(await remaining('expiry')).toEqual([0n, 5n]);
    expect(await credits.expire()).toBe(0);
    await refunds.refund({ requestId: spent, reason: 'sorry' });
    expect(await remaining('expiry')).toEqual([0n, 5n, 4n]);
    expect(await balance('expiry')).toBe(9n);
    (await ledger.engine.hold(holdRequest('expiry', 9))).settle(ending(0, { end: 'failed', hadContent: false }));
    await ledger.engine.flush();
  });
});

describe('verification', () => {
  it.each([
    ['a balance', "UPDATE ledger_ceilings SET posted = posted + 1 WHERE scope_id = 'org'", 'I03'],
    ['a lease', 'UPDATE ledger_ceilings SET leased = leased + 1', 'I03'],
    ['a row', 'UPDATE ledger_requests SET captured = captured - 1', 'I04'],
    ['a cost', 'UPDATE ledger_requests SET provider_cost = provider_cost + 1', 'I04'],
    ['a usage', `UPDATE ledger_requests SET usage = '{"output": 8}'`, 'I12'],
    ['a grant', 'UPDATE ledger_grants SET remaining = remaining - 1', 'I15'],
    ['an entry', 'ALTER TABLE ledger_transactions DISABLE TRIGGER USER; ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_balance; UPDATE ledger_transactions SET revenue = NULL', 'I01'],
    ['an engine', "UPDATE ledger_engines SET state = 'swept'; INSERT INTO ledger_leases SELECT id, 9, 1, 1, true FROM ledger_engines", 'I18'],
  ])('finds %s that was tampered with', async (_what, tamper, invariant) => {
    const fixture = await createTestDatabase();
    const directory = temporaryDirectory();
    const ledger = await startLedger(fixture.database, directory.path);
    await new Credits(fixture.database).grant({ organizationId: 'org', amountNanoUsd: 100n * TOKEN, reason: 'test' });
    (await ledger.engine.hold(holdRequest('org', 10))).settle(ending(7));
    await ledger.engine.flush();
    const verify = new LedgerVerify(fixture.database);
    expect(await verify.verify()).toMatchObject({ ok: true, driftNanoUsd: 0n, requestCount: 1, transactionCount: 2, recomputedCount: 1 });
    for (const statement of tamper.split('; ')) await fixture.database.query(statement);
    const report = await verify.verify();
    expect(report.ok).toBe(false);
    expect(report.invariants.filter(({ ok }) => !ok).map(({ id }) => id)).toContain(invariant);
    await ledger.engine.stop();
    await fixture.drop();
    directory.remove();
  });
});
