import { setTimeout as sleep } from 'node:timers/promises';
import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { Refunds } from '../../src/billing/accounts/refunds.service.js';
import { LedgerRequests } from '../../src/billing/accounts/request-money.service.js';
import { BillingSettings } from '../../src/billing/billing-settings.js';
import { Corrections } from '../../src/billing/reconciliation/corrections.service.js';
import { Reconciliations, type NewReconciliation } from '../../src/billing/reconciliation/reconciliations.service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdRequest, startLedger, temporaryDirectory, type TestLedger } from './billing-harness.js';

jest.setTimeout(30_000);
const TOKEN = 1_000n;

describe('reconciliation against a real PostgreSQL', () => {
  let fixture: TestDatabase;
  let ledger: TestLedger;
  let reconciliations: Reconciliations;
  let corrections: Corrections;
  const directory = temporaryDirectory();
  /** The provider's id → ours, as the request log has it. */
  const known = new Map<string, string>();
  const PERIOD = { provider: 'p', fromMs: Date.now() - 3_600_000, toMs: Date.now() + 3_600_000 };

  beforeAll(async () => {
    fixture = await createTestDatabase();
    ledger = await startLedger(fixture.database, directory.path);
    reconciliations = new Reconciliations(fixture.database);
    corrections = new Corrections(new Refunds(fixture.database, new BillingSettings()));
    await new Credits(fixture.database).grant({ organizationId: 'acme', amountNanoUsd: 10_000n * TOKEN, reason: 'invoice' });
    // 0.5 USD per million tokens is the cost, 1 USD the price: 100 tokens cost 50 and are charged 100.
    for (const [id, tokens, more] of [['same', 100, {}], ['dearer', 100, {}], ['unbilled', 100, {}], ['guessed', 100, { usage: undefined }]] as const) {
      const hold = await ledger.engine.hold(holdRequest('acme', 1_000));
      hold.settle(ending(tokens, more));
      known.set(id, hold.requestId);
      // Lines are in the order of ids, which is that of time to the millisecond, and chance within one.
      await sleep(2);
    }
    await ledger.engine.flush();
  });
  afterAll(async () => {
    await ledger.engine.stop();
    await fixture.drop();
    directory.remove();
  });

  const REPORT = 'id,usd,in,out\nsame,0.00005,0,100\ndearer,0.00007,0,140\nguessed,0.00004,0,80\nforeign,0.00001,0,20\n';
  const reported = (report: string, more: Partial<NewReconciliation> = {}) =>
    fixture.database.transaction((transaction) =>
      reconciliations.import(
        { ...PERIOD, format: 'csv', mapping: { id: 'id', cost: 'usd', input: 'in', output: 'out' }, report, toleranceNanoUsd: 0n, ...more },
        async (ids) => new Map([...known].filter(([id]) => ids.includes(id))),
        transaction,
      ),
    );
  const post = (id: string, numbers: number[] | null = null) => fixture.database.transaction((transaction) => corrections.post(id, numbers, transaction));
  const verified = async () => (await new LedgerVerify(fixture.database).verify()).invariants.filter(({ ok }) => !ok);

  it('classifies, proposes, and changes nothing', async () => {
    const found = await reported(REPORT);
    expect(found).toMatchObject({ counts: { matched: 1, different: 2, ours_only: 1, theirs_only: 1 }, openCount: 4, oursNanoUsd: 200n * TOKEN, theirsNanoUsd: 170n * TOKEN });
    const lines = await reconciliations.listLines(found.id, { limit: 10 });
    expect(lines.map(({ outcome, reference, costNanoUsd, refundNanoUsd }) => [outcome, reference, costNanoUsd / TOKEN, refundNanoUsd / TOKEN])).toEqual([
      ['matched', 'same', 0n, 0n], ['different', 'dearer', 20n, 0n], ['ours_only', known.get('unbilled'), -50n, 0n], ['different', 'guessed', -10n, 20n], ['theirs_only', 'foreign', 10n, 0n],
    ]);
    expect((await reconciliations.listLines(found.id, { limit: 10, outcome: 'theirs_only', open: true })).map(({ number }) => number)).toEqual([5]);
    expect((await new Accounts(fixture.database).get('acme')).balanceNanoUsd).toBe(9_600n * TOKEN);
    expect((await reported(REPORT)).id).toBe(found.id);
    expect((await reported(REPORT, { toleranceNanoUsd: 1n })).id).not.toBe(found.id);
    await expect(reported('id,usd\nx,1e400\n', { mapping: { id: 'id', cost: 'usd' } })).rejects.toMatchObject({ code: 'invalid_request', param: 'report' });
    expect((await reconciliations.list({ limit: 10 })).map(({ id }) => id)).toHaveLength(2);
  });

  it('posts what the operator confirms as new transactions, once, and leaves the ledger whole', async () => {
    const { id } = await reported(REPORT);
    const entriesBefore = await fixture.database.query('SELECT transaction_id, position, account, amount FROM ledger_entries ORDER BY 1, 2');
    expect(await post(id, [2])).toMatchObject({ postedCount: 1, costNanoUsd: 20n * TOKEN });
    expect(await post(id, [2])).toMatchObject({ postedCount: 0 });
    const results = await Promise.all([post(id), post(id), post(id)]);
    expect(results.map(({ postedCount }) => postedCount).sort()).toEqual([0, 0, 3]);
    expect(results.find(({ postedCount }) => postedCount === 3)).toMatchObject({ costNanoUsd: -50n * TOKEN, refundedNanoUsd: 20n * TOKEN, remainingCount: 0 });
    const { rows } = await fixture.database.query<{ account: string; sum: string }>("SELECT account, sum(amount)::text AS sum FROM ledger_entries WHERE account = 'provider_cost' GROUP BY 1");
    expect(rows).toEqual([{ account: 'provider_cost', sum: String(170n * TOKEN) }]);
    expect((await new Accounts(fixture.database).get('acme')).balanceNanoUsd).toBe(9_620n * TOKEN);
    expect(await new LedgerRequests(fixture.database).find(String(known.get('guessed')))).toMatchObject({ state: 'compensated', refundedNanoUsd: 20n * TOKEN, providerCostNanoUsd: 40n * TOKEN });
    const entriesAfter = await fixture.database.query('SELECT transaction_id, position, account, amount FROM ledger_entries ORDER BY 1, 2');
    expect(entriesAfter.rows.slice(0, entriesBefore.rows.length)).toEqual(entriesBefore.rows);
    expect(await verified()).toEqual([]);
    expect(await reconciliations.get(id)).toMatchObject({ openCount: 0 });
    // What is corrected agrees when it is compared again.
    expect(await reported(REPORT, { toleranceNanoUsd: 2n })).toMatchObject({ counts: { matched: 3, different: 0, ours_only: 0, theirs_only: 1 } });
    await expect(post('rec_unknown')).rejects.toMatchObject({ code: 'not_found' });
  });

  it('compares by day and model where a provider tells no more', async () => {
    const day = new Date().toISOString().slice(0, 10);
    const found = await reported(JSON.stringify([{ d: day, m: 'm', c: 0.00012 }, { d: day, m: 'm', c: '0.00005' }]), { format: 'json', mapping: { day: 'd', model: 'm', cost: 'c' } });
    const [line] = await reconciliations.listLines(found.id, { limit: 10 });
    expect(line).toMatchObject({ outcome: 'different', reference: `${day} m`, oursNanoUsd: 160n * TOKEN, theirsNanoUsd: 170n * TOKEN, costNanoUsd: 10n * TOKEN, requestId: null });
    await post(found.id);
    expect(await verified()).toEqual([]);
  });
});
