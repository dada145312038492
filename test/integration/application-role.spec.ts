import pg from 'pg';
import { LedgerRepository } from '../../src/billing/posting/ledger.repository.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { applicationRole, Database, databaseSettings } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdRequest, startLedger, temporaryDirectory } from './billing-harness.js';

/** In every table whose history is evidence. */
const APPEND_ONLY = ['ledger_transactions', 'audit_log', 'exchange_rates'];
const DENIED = '42501';

describe('the application’s role', () => {
  let fixture: TestDatabase;
  let application: Database;
  const directory = temporaryDirectory();

  beforeAll(async () => {
    fixture = await createTestDatabase();
    const owner = new pg.Client({ connectionString: fixture.url });
    await owner.connect();
    // Other tests' servers may be the same: roles belong to the server.
    for (let time = 0; time < 2; time += 1) await applicationRole(true)(owner);
    await owner.end();
    const url = new URL(fixture.url);
    url.username = 'og_app';
    application = new Database(databaseSettings(url.href, { directUrl: fixture.url, poolSize: 5 }));
  });
  afterAll(async () => {
    await application.close();
    await fixture.drop();
    directory.remove();
  });

  it('may append to the ledger and the audit log, and change or delete nothing there (I09)', async () => {
    for (const table of APPEND_ONLY) {
      const { rows } = await application.query<Record<string, boolean>>(
        `SELECT has_table_privilege($1, 'INSERT') AS insert, has_table_privilege($1, 'SELECT') AS select,
           has_table_privilege($1, 'UPDATE') AS update, has_table_privilege($1, 'DELETE') AS delete, has_table_privilege($1, 'TRUNCATE') AS truncate`,
        [table],
      );
      expect({ table, ...rows[0] }).toEqual({ table, insert: true, select: true, update: false, delete: false, truncate: false });
      await expect(application.query(`DELETE FROM ${table}`)).rejects.toMatchObject({ code: DENIED });
      await expect(application.query(`TRUNCATE ${table}`)).rejects.toMatchObject({ code: DENIED });
    }
    await expect(application.query('UPDATE ledger_transactions SET credit = credit + 1')).rejects.toMatchObject({ code: DENIED });
    await expect(application.query('UPDATE audit_log SET detail = detail')).rejects.toMatchObject({ code: DENIED });
  });

  it('cannot take the guards away', async () => {
    const attempts = [
      'ALTER TABLE ledger_transactions DISABLE TRIGGER ALL', 'DROP TRIGGER ledger_transactions_append_only ON ledger_transactions', 'DROP TABLE ledger_transactions CASCADE',
      'ALTER TABLE ledger_transactions DROP CONSTRAINT ledger_transactions_balance',
      'ALTER TABLE ledger_ceilings DROP CONSTRAINT ledger_ceilings_never_overspent', 'DELETE FROM schema_migrations', "SET session_replication_role = 'replica'",
      'CREATE OR REPLACE FUNCTION ledger_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$',
    ];
    for (const attempt of attempts) await expect(application.query(attempt)).rejects.toMatchObject({ code: DENIED });
  });

  it('runs the ledger whole: grant, hold with and without a lease, posting, expiry', async () => {
    const credits = new Credits(application);
    await credits.grant({ organizationId: 'o', amountNanoUsd: 1_000_000_000n, reason: 'test' });
    const ledger = await startLedger(application, directory.path);
    for (let round = 0; round < 5; round += 1) {
      const hold = await ledger.engine.hold(holdRequest('o', 10, { strict: round % 2 === 0 }));
      hold.settle(ending(3));
    }
    expect(await ledger.engine.flush()).toBe(true);
    expect(await credits.expire()).toBe(0);
    await new LedgerRepository(application).post([], 'engine');
    await ledger.engine.stop();
    expect(ledger.problems).toEqual([]);
  });
});
