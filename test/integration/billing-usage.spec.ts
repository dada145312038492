import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { Recompute } from '../../src/billing/accounts/recompute.service.js';
import { Refunds } from '../../src/billing/accounts/refunds.service.js';
import { BillingSettings } from '../../src/billing/billing-settings.js';
import { ExchangeRates } from '../../src/billing/rates/exchange-rates.service.js';
import { Statements } from '../../src/billing/statements/statements.service.js';
import { UsageReports } from '../../src/billing/usage/usage-reports.service.js';
import { UsageRollUp } from '../../src/billing/usage/usage-roll-up.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdRequest, startLedger, temporaryDirectory, type TestLedger } from './billing-harness.js';

jest.setTimeout(30_000);
const TOKEN = 1_000n;
const ORGANIZATION = 'acme';

/** Requests at moments that fall on both sides of midnight, somewhere. */
const MOMENTS = ['2026-10-24T21:59:59Z', '2026-10-24T22:00:00Z', '2026-10-25T18:29:59Z', '2026-10-25T18:30:00Z', '2026-10-25T23:00:00Z', '2026-10-31T15:30:00Z', '2026-11-03T04:10:00Z'];

describe('usage, statements and rates against a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let ledger: TestLedger;
  let reports: UsageReports;
  let rollUp: UsageRollUp;
  const directory = temporaryDirectory();
  const requests: string[] = [];

  beforeAll(async () => {
    fixture = await createTestDatabase();
    ledger = await startLedger(fixture.database, directory.path);
    reports = new UsageReports(fixture.database);
    rollUp = new UsageRollUp(fixture.database);
    await new Credits(fixture.database).grant({ organizationId: ORGANIZATION, amountNanoUsd: 10_000n * TOKEN, reason: 'invoice' });
    for (const [index, moment] of MOMENTS.entries()) {
      const hold = await ledger.engine.hold(holdRequest(ORGANIZATION, 1_000));
      hold.settle(ending(2 ** index, { servedModel: index % 2 === 0 ? 'even' : 'odd' }));
      await ledger.engine.flush();
      requests.push(hold.requestId);
      await backdate(hold.requestId, moment);
    }
  });
  afterAll(async () => {
    await ledger.engine.stop();
    await fixture.drop();
    directory.remove();
  });

  /** The ledger goes by the database's clock, which a test cannot turn back: rows are moved by hand, as their owner. */
  async function backdate(requestId: string, moment: string): Promise<void> {
    await fixture.database.query('UPDATE ledger_requests SET admitted_at = $2, ended_at = $2 WHERE request_id = $1', [requestId, moment]);
  }
  const days = async (timezone: string, from = '2026-10-20', to = '2026-11-10'): Promise<Record<string, number>> => {
    const report = await reports.report({ organizationId: ORGANIZATION, from, to, timezone, groupBy: ['day'] });
    expect(report.total.chargedNanoUsd).toBe(report.rows.reduce((sum, { chargedNanoUsd }) => sum + chargedNanoUsd, 0n));
    return Object.fromEntries(report.rows.map(({ group, chargedNanoUsd }) => [group.day, Number(chargedNanoUsd / TOKEN)]));
  };
  const EXPECTED: Record<string, Record<string, number>> = {
    UTC: { '2026-10-24': 3, '2026-10-25': 28, '2026-10-31': 32, '2026-11-03': 64 },
    'Asia/Seoul': { '2026-10-25': 3, '2026-10-26': 28, '2026-11-01': 32, '2026-11-03': 64 },
    // Summer time ends on 2026-10-25: the day has 25 hours.
    'Europe/Berlin': { '2026-10-24': 1, '2026-10-25': 14, '2026-10-26': 16, '2026-10-31': 32, '2026-11-03': 64 },
    // Half an hour off: midnight cuts an hour in two.
    'Asia/Kolkata': { '2026-10-25': 7, '2026-10-26': 24, '2026-10-31': 32, '2026-11-03': 64 },
  };

  it.each(Object.keys(EXPECTED))('sums by day in %s, before and after the hours are rolled up', async (timezone) => {
    expect(await days(timezone)).toEqual(EXPECTED[timezone]);
    await rollUp.run();
    expect(await days(timezone)).toEqual(EXPECTED[timezone]);
  });

  it('reads the rolled up hours where it can, and only there', async () => {
    const { rows } = await fixture.database.query<{ hours: string; charged: string }>('SELECT count(*) AS hours, sum(charged) AS charged FROM usage_hours');
    expect(rows[0]).toEqual({ hours: String(MOMENTS.length), charged: String(127n * TOKEN) });
    await fixture.database.query("UPDATE usage_hours SET charged = charged + 7000 WHERE hour = '2026-11-03T04:00:00Z'");
    expect((await days('UTC'))['2026-11-03']).toBe(71);
    await fixture.database.query("UPDATE usage_hours SET charged = charged - 7000 WHERE hour = '2026-11-03T04:00:00Z'");
    expect(await days('UTC')).toEqual(EXPECTED['UTC']);
  });

  it('groups by model and key, in any mixture, and by month', async () => {
    const report = await reports.report({ organizationId: ORGANIZATION, from: '2026-10-01', to: '2026-12-01', timezone: 'Asia/Seoul', groupBy: ['month', 'model'] });
    expect(report.rows.map(({ group, chargedNanoUsd, tokens, requestCount }) => [group.month, group.model, Number(chargedNanoUsd / TOKEN), tokens.output, requestCount])).toEqual([
      ['2026-10', 'even', 1 + 4 + 16, 21, 3], ['2026-10', 'odd', 2 + 8, 10, 2], ['2026-11', 'even', 64, 64, 1], ['2026-11', 'odd', 32, 32, 1],
    ]);
    expect(report.total).toMatchObject({ requestCount: 7, providerCostNanoUsd: 63_500n });
    const bare = await reports.report({ organizationId: 'nobody', from: '2026-10-01', to: '2026-12-01', timezone: 'UTC', groupBy: ['key'] });
    expect([bare.rows, bare.total.chargedNanoUsd]).toEqual([[], 0n]);
  });

  it('cuts hours at the ends of a range, and refuses a range that is none', async () => {
    const report = await reports.report({ organizationId: ORGANIZATION, from: '2026-10-24T21:59:59.500Z', to: '2026-10-25T18:30:00Z', timezone: 'UTC', groupBy: [] });
    expect(Number(report.total.chargedNanoUsd / TOKEN)).toBe(2 + 4);
    await expect(reports.report({ from: '2026-10-02', to: '2026-10-02', timezone: 'UTC', groupBy: [] })).rejects.toMatchObject({ param: 'to' });
    await expect(reports.report({ from: '2020-10-02', to: '2026-10-02', timezone: 'UTC', groupBy: [] })).rejects.toMatchObject({ param: 'to' });
  });

  it('finds a refund of an hour that was summed long ago', async () => {
    await new Refunds(fixture.database, new BillingSettings()).refund({ requestId: String(requests[6]), amountNanoUsd: 4n * TOKEN, reason: 'sorry' });
    await rollUp.run();
    const report = await reports.report({ organizationId: ORGANIZATION, from: '2026-11-01', to: '2026-11-10', timezone: 'UTC', groupBy: [] });
    expect(report.total).toMatchObject({ chargedNanoUsd: 64n * TOKEN, refundedNanoUsd: 4n * TOKEN });
  });

  it('verifies that the hours are what the ledger says, and finds one that is not', async () => {
    const verify = async () => (await new LedgerVerify(fixture.database).verify()).invariants.find(({ id }) => id === 'U01');
    await fixture.database.query("UPDATE usage_progress SET rolled_at = now() + interval '1 hour'");
    expect(await verify()).toMatchObject({ ok: true });
    await fixture.database.query("UPDATE usage_hours SET charged = charged - 1 WHERE hour = '2026-11-03T04:00:00Z'");
    expect(await verify()).toMatchObject({ ok: false, violationCount: 1 });
    await fixture.database.query("UPDATE usage_hours SET charged = charged + 1 WHERE hour = '2026-11-03T04:00:00Z'");
  });

  it('computes every historic charge again, and finds one that does not follow from its usage and price (I12)', async () => {
    const recompute = new Recompute(fixture.database);
    const context = { signal: new AbortController().signal };
    expect(await recompute.run(context)).toEqual({ checkedCount: MOMENTS.length, wrong: [] });
    expect(await recompute.page(null)).toEqual({ checkedCount: MOMENTS.length, wrong: [], next: null });
    await fixture.database.query(`UPDATE ledger_requests SET usage = '{"output": 5}' WHERE request_id = $1`, [requests[3]]);
    expect((await recompute.run(context)).wrong).toEqual([{ requestId: requests[3], worthNanoUsd: 8n * TOKEN, recomputedNanoUsd: 5n * TOKEN }]);
    expect((await new LedgerVerify(fixture.database).verify()).invariants.find(({ id }) => id === 'I12')).toMatchObject({ ok: false, violationCount: 1 });
    await fixture.database.query(`UPDATE ledger_requests SET usage = '{"output": 8}' WHERE request_id = $1`, [requests[3]]);
    expect((await recompute.run(context)).wrong).toEqual([]);
  });

  it('states a month: opening, movements, usage and closing agree to the nano-USD', async () => {
    const month = new Date().toISOString().slice(0, 7);
    const statement = await new Statements(fixture.database).get(ORGANIZATION, month, 'UTC');
    expect(statement).toMatchObject({
      openingNanoUsd: 0n, grantedNanoUsd: 10_000n * TOKEN, refundedNanoUsd: 4n * TOKEN, expiredNanoUsd: 0n, usageNanoUsd: 127n * TOKEN,
      closingNanoUsd: 9_877n * TOKEN, final: false, movementsLeftOutCount: 0,
    });
    expect(statement.usage.reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n)).toBe(statement.usageNanoUsd);
    expect(statement.movements.map(({ kind, reason }) => [kind, reason])).toEqual([['grant', 'invoice'], ['refund', 'sorry']]);
    const before = await new Statements(fixture.database).get(ORGANIZATION, '2026-01', 'Asia/Tokyo');
    expect(before).toMatchObject({ openingNanoUsd: 0n, closingNanoUsd: 0n, final: true, usage: [] });
    await expect(new Statements(fixture.database).get(ORGANIZATION, '2026-13', 'UTC')).rejects.toMatchObject({ param: 'month' });
    await expect(new Statements(fixture.database).get(ORGANIZATION, '2999-01', 'UTC')).rejects.toMatchObject({ param: 'month' });
  });

  it('keeps rates by date, once each, and refuses what is no currency', async () => {
    const rates = new ExchangeRates(fixture.database);
    const rate = (currency: string, nanoPerUsd: bigint, from: string) => rates.add({ currency, nanoPerUsd, effectiveFromMs: Date.parse(from), source: 'bank' });
    await rate('KRW', 1_380_000_000_000n, '2026-11-01T00:00:00Z');
    await rate('KRW', 1_390_000_000_000n, '2026-11-10T00:00:00Z');
    expect(await rate('KRW', 1_390_000_000_000n, '2026-11-10T00:00:00Z')).toMatchObject({ nanoPerUsd: 1_390_000_000_000n });
    await expect(rate('KRW', 1n, '2026-11-10T00:00:00Z')).rejects.toMatchObject({ code: 'conflict' });
    for (const bad of ['USD', 'XYZ', 'krw', '']) await expect(rate(bad, 1n, '2026-11-10T00:00:00Z')).rejects.toMatchObject({ param: 'currency' });
    expect([(await rates.get('KRW', Date.parse('2026-11-09T23:59:59Z')))?.nanoPerUsd, (await rates.get('KRW', Date.parse('2026-11-10T00:00:00Z')))?.nanoPerUsd]).toEqual([1_380_000_000_000n, 1_390_000_000_000n]);
    expect(await rates.get('USD', 0)).toBeNull();
    await expect(rates.get('KRW', Date.parse('2026-10-01T00:00:00Z'))).rejects.toMatchObject({ code: 'invalid_request', param: 'currency' });
    await expect(rates.get('JPY', Date.now())).rejects.toMatchObject({ param: 'currency' });
    await expect(fixture.database.query('UPDATE exchange_rates SET nano_per_usd = 1')).rejects.toThrow(/append-only/);
  });
});
