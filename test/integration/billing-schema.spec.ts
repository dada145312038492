import { migrations } from '../../migrations/index.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { databaseSettings, migrate } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

const NOW = '2026-01-01T00:00:00Z';

describe('the ledger’s schema guards itself', () => {
  let fixture: TestDatabase;
  let engineId: string;
  const query = (text: string, values: unknown[] = []) => fixture.database.query(text, values);

  beforeAll(async () => {
    fixture = await createTestDatabase();
    const { rows } = await query("INSERT INTO ledger_engines (boot_id, zone, host, pid) VALUES ('b', 'local', 'h', 1) RETURNING id");
    engineId = (rows[0] as { id: string }).id;
  });
  afterAll(() => fixture.drop());

  const insertRow = (id: string, state: string) =>
    query(
      `INSERT INTO ledger_requests (request_id, engine_id, organization_id, project_id, key_id, state, hold, model, received_at, admitted_at)
       VALUES ($1, $2, 'o', 'p', 'k', $3, 10, 'm', $4, $4)`,
      [id, engineId, state, NOW],
    );

  it('only legal edges (I10)', async () => {
    await expect(insertRow('r0', 'streaming')).rejects.toMatchObject({ code: '23514' });
    await expect(insertRow('r0', 'compensated')).rejects.toMatchObject({ code: '23514' });
    await insertRow('r1', 'forwarded');
    const move = (state: string) => query('UPDATE ledger_requests SET state = $1 WHERE request_id = $2', [state, 'r1']);
    await move('streaming');
    await expect(move('forwarded')).rejects.toMatchObject({ code: '23514' });
    await expect(move('compensated')).rejects.toMatchObject({ code: '23514' });
    await move('completed');
    for (const state of ['streaming', 'failed', 'canceled']) await expect(move(state)).rejects.toMatchObject({ code: '23514' });
    await move('compensated');
    await expect(move('completed')).rejects.toMatchObject({ code: '23514' });
  });

  it('entries balance and are append-only (I01, I09)', async () => {
    const insert = (columns: Record<string, unknown>) => {
      const names = ['kind', 'organization_id', ...Object.keys(columns)];
      return query(`INSERT INTO ledger_transactions (${names.join(', ')}) VALUES (${names.map((_, index) => `$${index + 1}`).join(', ')})`, ['grant', 'o', ...Object.values(columns)]);
    };
    const refused: Record<string, unknown>[] = [
      {}, { issuance: -10, credit: 9 }, { credit: 10 }, { grant_id: 1, issuance: -10, revenue: 10 }, { issuance: -10, credit: 10, revenue: 0 },
      { issuance: -10, credit: 10, split_grants: [1, 2], split_amounts: [4, 5] }, { issuance: -10, credit: 10, split_grants: [1, 2], split_amounts: [10, 0] },
      { issuance: -10, credit: 10, split_grants: [1], split_amounts: [10] }, { issuance: -10, credit: 10, split_grants: [1, 2] },
      { issuance: -10, credit: 10, grant_id: 1, split_grants: [1, 2], split_amounts: [4, 6] }, { issuance: -10, revenue: 10, split_grants: [1, 2], split_amounts: [4, 6] },
      { issuance: -10, credit: 10, split_grants: [1, 2], split_amounts: [10, null] },
    ];
    for (const columns of refused) await expect(insert(columns)).rejects.toMatchObject({ code: '23514' });
    await insert({ issuance: -10, credit: 10, grant_id: 1 });
    await insert({ credit: -10, revenue: 10, provider_cost: 3, operator: -3, split_grants: [1, null], split_amounts: [-4, -6] });
    const entries = await query('SELECT account, grant_id, amount FROM ledger_entries ORDER BY transaction_id, position');
    expect(entries.rows.map(({ account, grant_id: grant, amount }) => [account, grant, amount])).toEqual([
      ['issuance', null, '-10'], ['credit', '1', '10'],
      ['credit', '1', '-4'], ['credit', null, '-6'], ['revenue', null, '10'], ['provider_cost', null, '3'], ['operator', null, '-3'],
    ]);
    await expect(query('UPDATE ledger_transactions SET credit = 5')).rejects.toMatchObject({ code: '42501' });
    await expect(query('DELETE FROM ledger_transactions')).rejects.toMatchObject({ code: '42501' });
    await expect(query('TRUNCATE ledger_transactions')).rejects.toMatchObject({ code: '42501' });
    for (const change of ['UPDATE ledger_entries SET amount = 5', 'DELETE FROM ledger_entries']) await expect(query(change)).rejects.toMatchObject({ code: '55000' });
  });

  it('no ceiling is overspent, and admission grants in order what fits (I02)', async () => {
    const { rows } = await query("SELECT ledger_account('org') AS account, (SELECT id FROM ledger_budget('org', 'key', 'k', 'day', 'Asia/Seoul', 100)) AS budget");
    const { account, budget } = rows[0] as { account: string; budget: string };
    await query('UPDATE ledger_ceilings SET posted = 50 WHERE id = $1', [account]);
    await expect(query('UPDATE ledger_ceilings SET leased = 51 WHERE id = $1', [account])).rejects.toMatchObject({ code: '23514' });
    const admitted = await query('SELECT * FROM ledger_admit($1, $2, $3, $4, $5, $6, true)', [
      engineId, [account, budget], [1, 2], [30, 25, 20], [1, 3, 5, 7], [1, 2, 1, 2, 1, 2],
    ]);
    expect(admitted.rows[0]).toMatchObject({ verdicts: [0, 1, 0], elsewhere: [0, 0] });
    expect((await query('SELECT number, amount, ceiling_id FROM ledger_leases ORDER BY number')).rows).toEqual([
      { number: '1', amount: '50', ceiling_id: account },
      { number: '2', amount: '50', ceiling_id: budget },
    ]);
    expect((await query('SELECT ledger_return_leases($1, $2) AS freed', [engineId, [1, 2]])).rows).toEqual([{ freed: '100' }]);
    expect((await query('SELECT ledger_return_leases($1, $2) AS freed', [engineId, [1, 2]])).rows).toEqual([{ freed: '0' }]);
    expect((await query('SELECT sum(leased) AS leased FROM ledger_ceilings')).rows).toEqual([{ leased: '0' }]);
  });

  it('a lowered budget refuses what is beyond it without losing count', async () => {
    const budget = async (amount: number) => {
      const { rows } = await query("SELECT id FROM ledger_budget('org', 'project', 'p', 'total', 'UTC', $1)", [amount]);
      return (rows[0] as { id: string }).id;
    };
    const id = await budget(100);
    await query('UPDATE ledger_ceilings SET posted = posted - 80 WHERE id = $1', [id]);
    expect(await budget(50)).toBe(id);
    expect((await query('SELECT amount, posted, shortfall FROM ledger_ceilings WHERE id = $1', [id])).rows).toEqual([{ amount: '50', posted: '-30', shortfall: '30' }]);
    await budget(90);
    expect((await query('SELECT amount, posted, shortfall FROM ledger_ceilings WHERE id = $1', [id])).rows).toEqual([{ amount: '90', posted: '10', shortfall: '0' }]);
  });

  it('periods begin and end in the timezone that was asked for', async () => {
    const { rows } = await query("SELECT left_ms > 0 AND left_ms <= 86400000 AS within FROM ledger_budget('org', 'key', 'tz', 'day', 'Pacific/Kiritimati', 1)");
    expect(rows).toEqual([{ within: true }]);
    const starts = await query("SELECT extract(hour FROM period_start AT TIME ZONE 'Pacific/Kiritimati') AS hour FROM ledger_ceilings WHERE scope_id = 'tz'");
    expect(starts.rows).toEqual([{ hour: '0' }]);
  });

  it('a swept engine is granted nothing', async () => {
    await query("UPDATE ledger_engines SET state = 'swept' WHERE id = $1", [engineId]);
    const admit = query('SELECT * FROM ledger_admit($1, $2, $3, $4, $5, $6, true)', [engineId, [], [], [], [1], []]);
    await expect(admit).rejects.toMatchObject({ code: 'OG001' });
  });
});

describe('entries of their own table', () => {
  it('become columns of their transactions, whole', async () => {
    const fixture = await createTestDatabase({ migrated: false });
    const settings = databaseSettings(fixture.url);
    const place = migrations.findIndex(({ name }) => name.startsWith('BillingEntryColumns'));
    await migrate(settings, migrations.slice(0, place));
    await fixture.database.query(`
      INSERT INTO ledger_ceilings (kind, organization_id, scope, scope_id, period, posted) VALUES ('account', 'o', 'account', 'o', 'none', 5);
      INSERT INTO ledger_grants (ceiling_id, organization_id, amount, remaining, reason, source) SELECT c.id, 'o', g.amount, g.remaining, '', 'operator' FROM ledger_ceilings c, (VALUES (4, 0), (9, 5)) g (amount, remaining);
      INSERT INTO ledger_transactions (id, kind, organization_id) VALUES (1, 'grant', 'o'), (2, 'grant', 'o'), (3, 'capture', 'o'), (4, 'cost', 'o');
      INSERT INTO ledger_entries (transaction_id, position, account, organization_id, grant_id, amount) VALUES
        (1, 1, 'issuance', 'o', NULL, -4), (1, 2, 'credit', 'o', 1, 4), (2, 1, 'issuance', 'o', NULL, -9), (2, 2, 'credit', 'o', 2, 9),
        (3, 1, 'credit', 'o', 1, -4), (3, 2, 'credit', 'o', 2, -4), (3, 3, 'revenue', 'o', NULL, 8), (3, 4, 'provider_cost', 'o', NULL, 6), (3, 5, 'operator', 'o', NULL, -6),
        (4, 1, 'provider_cost', 'o', NULL, 1), (4, 2, 'operator', 'o', NULL, -1), (4, 3, 'suspense', 'o', NULL, 2), (4, 4, 'operator', 'o', NULL, -2);`);
    const entries = async () =>
      (await fixture.database.query('SELECT transaction_id AS id, account, grant_id, sum(amount)::text AS amount FROM ledger_entries GROUP BY 1, 2, 3 ORDER BY 1, 2, 3')).rows;
    const before = await entries();
    await migrate(settings, migrations);
    expect(await entries()).toEqual(before);
    expect(await new LedgerVerify(fixture.database).verify()).toMatchObject({ ok: true, driftNanoUsd: 0n, transactionCount: 4 });
    await expect(fixture.database.query('UPDATE ledger_transactions SET reason = NULL')).rejects.toMatchObject({ code: '42501' });
    await fixture.drop();
  });
});
