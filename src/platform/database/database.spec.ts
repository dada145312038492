import { createTestDatabase, type TestDatabase } from '../../../test/support/database.js';
import fc from 'fast-check';
import { DatabaseUnavailableError, type CopyTarget } from './index.js';

describe('Database against a real PostgreSQL', () => {
  let fixture: TestDatabase;

  beforeAll(async () => {
    fixture = await createTestDatabase({ migrated: false, settings: { poolSize: 2, acquireTimeoutMs: 300, lockTimeoutMs: 200, statementTimeoutMs: 1_000 } });
    await fixture.database.query('CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL)');
    await fixture.database.query('INSERT INTO account VALUES (1, 9007199254740993)');
  });
  afterAll(() => fixture.drop());

  it('keeps 64-bit integers exact, as strings', async () => {
    const { rows } = await fixture.database.query<{ balance: string }>('SELECT balance FROM account WHERE id = $1', [1]);
    expect(rows).toEqual([{ balance: '9007199254740993' }]);
  });

  it('rolls back when the work throws and hands the connection on', async () => {
    const work = fixture.database.transaction(async (transaction) => {
      await transaction.query('UPDATE account SET balance = 0');
      throw new Error('changed my mind');
    });
    await expect(work).rejects.toThrow('changed my mind');
    const { rows } = await fixture.database.query<{ balance: string }>('SELECT balance FROM account');
    expect(rows[0]?.balance).toBe('9007199254740993');
    expect(fixture.database.stats).toEqual({ inUseCount: 0, idleCount: expect.any(Number), waitingCount: 0 });
  });

  it('says unavailable, in time, when the pool is exhausted, a lock is held or a statement runs too long', async () => {
    const release: (() => void)[] = [];
    const held = [0, 1].map(() =>
      fixture.database.transaction(() => new Promise<void>((resolve) => void release.push(resolve))),
    );
    await expect(fixture.database.query('SELECT 1')).rejects.toBeInstanceOf(DatabaseUnavailableError);
    release.forEach((let_) => let_());
    await Promise.all(held);
    await fixture.database.transaction(async (transaction) => {
      await transaction.query('SELECT * FROM account FOR UPDATE');
      await expect(fixture.database.query('UPDATE account SET balance = 1')).rejects.toBeInstanceOf(DatabaseUnavailableError);
    });
    await expect(fixture.database.query('SELECT pg_sleep(3)')).rejects.toBeInstanceOf(DatabaseUnavailableError);
    await expect(fixture.database.query('INSERT INTO account VALUES (1, 1)')).rejects.toMatchObject({ code: '23505' });
  });

  describe('copies rows', () => {
    type Note = readonly [id: number | null, text: string | null, tags: readonly string[]];
    const target: CopyTarget<Note> = {
      table: 'note',
      columns: ['id', 'text', 'tags'],
      write: (writer, [id, text, tags]) => {
        writer.integer(id);
        writer.text(text);
        writer.texts(tags);
      },
    };
    const read = async () => (await fixture.database.query('SELECT text, tags FROM note ORDER BY id')).rows;

    beforeAll(() => fixture.database.query('CREATE TABLE note (id int PRIMARY KEY, text text, tags text[])'));
    beforeEach(() => fixture.database.query('TRUNCATE note'));

    it('as they are, whatever their texts say', async () => {
      const any = fc.string({ unit: 'binary' }).map((value) => value.replaceAll('\u0000', ''));
      // The long one is rare: they are read within this fixture's short statement timeout, on a slow machine, too.
      const odd = fc.constantFrom('', '\\N', 'NULL', '{}', '한'.repeat(30_000));
      const text = fc.oneof({ weight: 8, arbitrary: any }, odd, fc.constant(null));
      const rows = fc.sample(fc.record({ text, tags: fc.array(any, { maxLength: 3 }) }), { numRuns: 500, seed: 8 });
      expect(rows.some((row) => row.text?.length === 30_000)).toBe(true);
      await fixture.database.copy(target, rows.map((row, id): Note => [id, row.text, row.tags]));
      expect(await read()).toEqual(rows);
      await expect(fixture.database.copy(target, [[501, 'nul \u0000', []]])).rejects.toMatchObject({ code: '22021' });
    });

    it('of every type, to its bounds', async () => {
      const names = ['s', 'i', 'b', 'r', 't', 'j', 'o'] as const;
      const types = ['smallint', 'integer', 'bigint', 'real', 'timestamptz', 'jsonb', 'boolean'] as const;
      await fixture.database.query(`CREATE TABLE kinds (${names.map((name, index) => `${name} ${types[index]}`).join(', ')})`);
      const kinds: CopyTarget<readonly unknown[]> = {
        table: 'kinds',
        columns: names,
        write: (writer, row) => types.forEach((type, index) => (writer[type] as (value: unknown) => void).call(writer, row[index])),
      };
      const atMs = Date.UTC(1999, 11, 31, 23, 59, 59, 999);
      await fixture.database.copy(kinds, [
        [32_767, 2_147_483_647, 9_223_372_036_854_775_807n, 44.64, atMs, '{"a":"한"}', true],
        [-32_768, -2_147_483_648, -9_223_372_036_854_775_808n, -0.5, Date.UTC(2026, 10, 30), '[]', false],
        [0, 0, -1, 0, 0, 'null', true],
        [1, 1, Number.MAX_SAFE_INTEGER, null, undefined, null, null],
      ]);
      expect((await fixture.database.query('SELECT * FROM kinds')).rows).toEqual([
        { s: 32_767, i: 2_147_483_647, b: '9223372036854775807', r: 44.64, t: new Date(atMs), j: { a: '한' }, o: true },
        { s: -32_768, i: -2_147_483_648, b: '-9223372036854775808', r: -0.5, t: new Date(Date.UTC(2026, 10, 30)), j: [], o: false },
        { s: 0, i: 0, b: '-1', r: 0, t: new Date(0), j: null, o: true },
        { s: 1, i: 1, b: String(Number.MAX_SAFE_INTEGER), r: null, t: null, j: null, o: null },
      ]);
      for (const [place, value] of [[0, 32_768], [0, 1.5], [1, 2 ** 31], [2, 2n ** 63n], [2, 1e300], [4, Number.NaN]] as const) {
        await expect(fixture.database.copy(kinds, [Object.assign(Array.from(names, () => null), { [place]: value })])).rejects.toMatchObject({ code: '22003' });
      }
    });

    it('all or none, and says why', async () => {
      await expect(fixture.database.copy(target, [[1, 'a', []], [1, 'b', []]])).rejects.toMatchObject({ code: '23505' });
      await expect(fixture.database.copy({ ...target, table: 'nowhere' }, [])).rejects.toMatchObject({ code: '42P01' });
      const misfit: CopyTarget<number> = { table: 'note', columns: ['id'], write: (writer, id) => writer.bigint(id) };
      await expect(fixture.database.copy(misfit, [1])).rejects.toMatchObject({ code: '22P03' });
      expect(await read()).toEqual([]);
    });

    it('within a transaction, which goes on or back as a whole', async () => {
      await fixture.database.transaction(async (transaction) => {
        await transaction.copy(target, [[1, 'a', []]]);
        await transaction.query("INSERT INTO note VALUES (2, 'b', '{}')");
      });
      const refused = fixture.database.transaction(async (transaction) => {
        await transaction.query('DELETE FROM note');
        await transaction.copy(target, [[null, 'a', []]]);
      });
      await expect(refused).rejects.toMatchObject({ code: '23502' });
      expect(await read()).toHaveLength(2);
    });

    it('says unavailable when the server is slow or gone', async () => {
      await fixture.database.transaction(async (transaction) => {
        await transaction.query('LOCK TABLE note IN ACCESS EXCLUSIVE MODE');
        await expect(fixture.database.copy(target, [[1, 'a', []]])).rejects.toBeInstanceOf(DatabaseUnavailableError);
      });
      const cut = fixture.database.transaction(async (transaction) => {
        const { rows } = await transaction.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
        await fixture.database.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid]);
        await transaction.copy(target, [[1, 'a', []]]);
      });
      await expect(cut).rejects.toBeInstanceOf(DatabaseUnavailableError);
      expect(await read()).toEqual([]);
    });
  });

  it('recovers after its connections were terminated', async () => {
    await fixture.database.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await expect(fixture.database.query('SELECT 1 AS one')).resolves.toMatchObject({ rows: [{ one: 1 }] });
  });

  it('says unavailable while the server is read-only (a failover), and writes again when it is not', async () => {
    const name = new URL(fixture.url).pathname.slice(1);
    const insert = (): Promise<unknown> => fixture.database.transaction((transaction) => transaction.query('INSERT INTO account VALUES (2, 2)'));
    await fixture.database.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await fixture.database.query(
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
    await fixture.database.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
    await expect(insert()).rejects.toBeInstanceOf(DatabaseUnavailableError);
    await fixture.database.transaction(async (transaction) => {
      await transaction.query('SET TRANSACTION READ WRITE');
      await transaction.query(`ALTER DATABASE ${name} RESET default_transaction_read_only`);
    });
    await fixture.database.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => undefined);
    await expect(insert()).resolves.toMatchObject({ rowCount: 1 });
  });

  it('hears notifications, and listens again after the connection was lost', async () => {
    const heard: (string | null)[] = [];
    const forget = await fixture.database.listen('changes', (payload) => heard.push(payload));
    await fixture.database.query("NOTIFY changes, 'first'");
    await until(() => heard.length === 1);
    await fixture.database.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '%listen' AND datname = current_database()",
    );
    await until(() => heard.includes(null));
    await fixture.database.query("NOTIFY changes, 'second'");
    await until(() => heard.includes('second'));
    expect(heard).toEqual(['first', null, 'second']);
    await forget();
  });
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited 5 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
