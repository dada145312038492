import { appendFileSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { LedgerRequests } from '../../src/billing/accounts/request-money.service.js';
import { encodeRecord } from '../../src/billing/journal/journal-codec.js';
import { readJournal } from '../../src/billing/journal/journal-reader.js';
import { setAside } from '../../src/billing/journal/set-aside.js';
import { NO_USAGE } from '../../src/core/chat/usage.js';
import type { Hold } from '../../src/core/ledger/index.js';
import { DatabaseUnavailableError } from '../../src/platform/database/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdOn, holdRequest, PRICE, startLedger, temporaryDirectory, until, type TestLedger } from './billing-harness.js';

jest.setTimeout(30_000);

describe('the journal', () => {
  let fixture: TestDatabase;
  const directory = temporaryDirectory();
  let serial = 0;

  beforeAll(async () => {
    fixture = await createTestDatabase();
  });
  afterAll(async () => {
    await fixture.drop();
    directory.remove();
  });

  async function begin(overrides: Parameters<typeof startLedger>[2] = {}): Promise<{ ledger: TestLedger; path: string; organizationId: string }> {
    serial += 1;
    const path = join(directory.path, String(serial));
    const organizationId = `org-${serial}`;
    await new Credits(fixture.database).grant({ organizationId, amountNanoUsd: 1_000_000n, reason: 'test' });
    return { ledger: await startLedger(fixture.database, path, overrides), path, organizationId };
  }

  const balance = async (organizationId: string) => (await new Accounts(fixture.database).get(organizationId)).balanceNanoUsd;
  const expectWhole = async () => {
    const report = await new LedgerVerify(fixture.database).verify();
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([]);
    expect(report.driftNanoUsd).toBe(0n);
  };
  const segments = (ledger: TestLedger) => readdirSync(ledger.engine.journalDirectory).filter((name) => name.endsWith('.journal')).sort();

  /** As if the process had died: its journal says another boot, so that the next engine takes it. */
  async function bury(ledger: TestLedger): Promise<void> {
    await ledger.engine.written();
    await fixture.database.query("UPDATE ledger_engines SET boot_id = 'before', pid = 1 WHERE id = $1", [ledger.engine.id]);
    for (const name of segments(ledger)) {
      const file = join(ledger.engine.journalDirectory, name);
      const [, ...lines] = readFileSync(file, 'utf8').split('\n');
      const header = encodeRecord({ type: 'engine', engineId: ledger.engine.id, bootId: 'before', pid: 1, processStart: '', pidNamespace: '' });
      writeFileSync(file, `${header}${lines.join('\n')}`);
    }
  }

  async function succeed(path: string): Promise<TestLedger> {
    const next = await startLedger(fixture.database, path);
    await next.successor.run(next.engine.journalDirectory);
    return next;
  }

  it('replayed after everything was posted changes nothing (I27)', async () => {
    const { ledger, path, organizationId } = await begin();
    (await ledger.engine.hold(holdRequest(organizationId, 100))).settle(ending(60));
    await ledger.engine.flush();
    const twin = `${ledger.engine.journalDirectory}-twin`;
    await bury(ledger);
    cpSync(ledger.engine.journalDirectory, twin, { recursive: true });
    const next = await succeed(path);
    expect(next.problems).toEqual([expect.stringContaining('"endedCount":1,"unfinishedCount":0'), expect.stringContaining('"endedCount":1,"unfinishedCount":0')]);
    expect(await balance(organizationId)).toBe(940_000n);
    await expectWhole();
    await next.engine.stop();
  });

  it('cut in the middle of a record loses that record and nothing else; damage is counted', async () => {
    const { ledger, path, organizationId } = await begin({ flushMs: 60_000, runningRowAfterMs: 60_000 });
    const holds: Hold[] = [];
    for (let index = 0; index < 3; index += 1) holds.push(await ledger.engine.hold(holdRequest(organizationId, 100)));
    for (const hold of holds) hold.checkpoint({ ...NO_USAGE, output: 10 }, PRICE);
    for (const hold of holds) hold.settle(ending(50));
    await ledger.engine.written();
    const file = join(ledger.engine.journalDirectory, '00000001.journal');
    const text = readFileSync(file, 'utf8');
    const lines = text.slice(0, -40).split('\n');
    // A disk that flipped a bit in the first `ended`, and a kill in the middle of the last.
    const damaged = lines.map((line) => (line.includes(`["ended","${holds[0]?.requestId}"`) ? line.replace(',50,', ',99,') : line));
    writeFileSync(file, damaged.join('\n'));
    await bury(ledger);
    const next = await succeed(path);
    expect(next.problems).toEqual([expect.stringContaining('"endedCount":1,"unfinishedCount":2,"damagedCount":1')]);
    const money = await new LedgerRequests(fixture.database).findMany(holds.map(({ requestId }) => requestId));
    expect(holds.map(({ requestId }) => money.get(requestId)?.chargedNanoUsd)).toEqual([10_000n, 50_000n, 10_000n]);
    await expectWhole();
    await next.engine.stop();
  });

  it('a request the database refuses is kept for a person and stops nothing', async () => {
    const { ledger, path, organizationId } = await begin();
    const poison = await ledger.engine.hold({ ...holdRequest(organizationId, 100), model: 'nul\u0000byte' });
    const good = await ledger.engine.hold(holdRequest(organizationId, 100));
    poison.settle(ending(10));
    good.settle(ending(20));
    await ledger.engine.flush();
    expect(ledger.problems.filter((problem) => problem.startsWith(`poison ${poison.requestId}`))).not.toEqual([]);
    expect(await balance(organizationId)).toBe(980_000n);
    setAside(path, (poison as unknown as { fold: Parameters<typeof setAside>[1] }).fold);
    const [name = ''] = readdirSync(join(path, 'journal-set-aside'));
    expect(readJournal(join(path, 'journal-set-aside', name)).folds).toMatchObject([{ admitted: { requestId: poison.requestId }, ended: { type: 'ended' } }]);
    await bury(ledger);
    const next = await succeed(path);
    await expectWhole();
    await next.engine.stop();
  });

  it('begins a new segment with the open requests and drops old ones when their ends are posted', async () => {
    const { ledger, path, organizationId } = await begin({ segmentBytes: 4_096 });
    const long = await ledger.engine.hold(holdRequest(organizationId, 100));
    for (let index = 0; index < 40; index += 1) {
      (await ledger.engine.hold(holdRequest(organizationId, 10))).settle(ending(1));
      if (index % 10 === 0) long.checkpoint({ ...NO_USAGE, output: index + 1 }, PRICE);
    }
    await ledger.engine.flush();
    const left = segments(ledger);
    expect(Number(left[0]?.slice(0, 8))).toBeGreaterThan(3);
    expect(left.length).toBeLessThanOrEqual(2);
    await bury(ledger);
    const next = await succeed(path);
    expect(await new LedgerRequests(fixture.database).find(long.requestId)).toMatchObject({ state: 'failed', chargedNanoUsd: 31_000n, estimated: true });
    await expectWhole();
    await next.engine.stop();
  });

  it('grows while the database is down, and everything is posted once afterwards (F15)', async () => {
    const { ledger, organizationId } = await begin();
    const holds = await Promise.all(Array.from({ length: 20 }, () => ledger.engine.hold(holdRequest(organizationId, 10))));
    const down = [
      jest.spyOn(fixture.database, 'transaction').mockRejectedValue(new DatabaseUnavailableError('down')),
      jest.spyOn(fixture.database, 'query').mockRejectedValue(new DatabaseUnavailableError('down')),
    ];
    const before = statSync(join(ledger.engine.journalDirectory, '00000001.journal')).size;
    for (const hold of holds) hold.settle(ending(7));
    await expect(holdOn(ledger.engine, holdRequest(organizationId, 10))).rejects.toMatchObject({ code: 'service_unavailable' });
    expect(await ledger.engine.flush()).toBe(false);
    expect(ledger.engine.figures).toMatchObject({ unpostedCount: 20 });
    expect(statSync(join(ledger.engine.journalDirectory, '00000001.journal')).size).toBeGreaterThan(before);
    await until(() => !ledger.engine.admits);
    await expect(holdOn(ledger.engine, holdRequest(organizationId, 10))).rejects.toMatchObject({ code: 'service_unavailable', status: 503 });
    for (const spy of down) spy.mockRestore();
    await until(async () => (await balance(organizationId)) === 860_000n);
    await until(() => ledger.engine.admits);
    await expectWhole();
    await ledger.engine.stop();
    expect(existsSync(ledger.engine.journalDirectory)).toBe(false);
  });

  it('waits for whatever a person has to mend, such as a missing privilege, and sets nothing aside', async () => {
    const { ledger, organizationId } = await begin();
    const hold = await ledger.engine.hold(holdRequest(organizationId, 10));
    await fixture.database.query('ALTER TABLE ledger_transactions RENAME TO ledger_transactions_gone');
    hold.settle(ending(7));
    await until(() => ledger.problems.length > 1);
    await fixture.database.query('ALTER TABLE ledger_transactions_gone RENAME TO ledger_transactions');
    await until(async () => (await balance(organizationId)) === 993_000n);
    expect(ledger.problems.filter((problem) => problem.startsWith('poison'))).toEqual([]);
    await expectWhole();
    await ledger.engine.stop();
  });

  it('a batch whose commit was not acknowledged is posted again without a double charge (F16)', async () => {
    const { ledger, organizationId } = await begin();
    const hold = await ledger.engine.hold(holdRequest(organizationId, 10));
    const real = fixture.database.transaction.bind(fixture.database);
    const spy = jest.spyOn(fixture.database, 'transaction').mockImplementationOnce(async (work, options) => {
      await real(work, options);
      throw new DatabaseUnavailableError('the connection was cut after COMMIT');
    });
    hold.settle(ending(7));
    await until(async () => (await balance(organizationId)) === 993_000n && ledger.engine.figures.unpostedCount === 0);
    spy.mockRestore();
    await expectWhole();
    await ledger.engine.stop();
  });

  it('a lease whose acknowledgement was lost is given back, and the request is admitted all the same (F16)', async () => {
    const { ledger, organizationId } = await begin();
    const real = fixture.database.query.bind(fixture.database);
    let cut = false;
    const spy = jest.spyOn(fixture.database, 'query').mockImplementation(async (statement, values) => {
      const answer = await real(statement, values);
      if (cut || typeof statement === 'string' || !statement.text.includes('ledger_admit')) return answer as never;
      cut = true;
      throw new DatabaseUnavailableError('the connection was cut after COMMIT');
    });
    const hold = await ledger.engine.hold(holdRequest(organizationId, 1_000));
    spy.mockRestore();
    expect(cut).toBe(true);
    hold.settle(ending(1));
    await ledger.engine.flush();
    await expectWhole();
    expect(await new Accounts(fixture.database).get(organizationId)).toMatchObject({ heldNanoUsd: 0n, balanceNanoUsd: 999_000n });
    await ledger.engine.stop();
  });

  it('an engine returns leases of its own that it does not know', async () => {
    const { ledger, organizationId } = await begin();
    // Numbers 1 and 2 are used now, the second only had the first statement's answer been lost.
    (await ledger.engine.hold(holdRequest(organizationId, 1))).settle(ending(0, { end: 'canceled', hadHeaders: false }));
    await fixture.database.query(
      `WITH c AS (UPDATE ledger_ceilings SET leased = leased + 5 WHERE scope_id = $1 RETURNING id)
       INSERT INTO ledger_leases SELECT $2, 2, id, 5, true FROM c`,
      [organizationId, ledger.engine.id],
    );
    await until(async () => (await new Accounts(fixture.database).get(organizationId)).heldNanoUsd === 0n);
    await expectWhole();
    await ledger.engine.stop();
  });

  it('that is full or cannot be written refuses new requests with 503 while running ones end', async () => {
    const { ledger, organizationId } = await begin({ journalMaxBytes: 6_000 });
    const running = await ledger.engine.hold(holdRequest(organizationId, 10));
    let refused: unknown = null;
    const others: Hold[] = [];
    for (let index = 0; index < 40 && refused === null; index += 1) {
      await holdOn(ledger.engine, holdRequest(organizationId, 1)).then((hold) => others.push(hold), (error: unknown) => (refused = error));
    }
    expect(refused).toMatchObject({ code: 'service_unavailable', status: 503 });
    expect(running.settle(ending(5))).toMatchObject({ chargedNanoUsd: 5_000n });
    for (const hold of others) hold.settle(ending(1));
    await ledger.engine.flush();
    expect(await balance(organizationId)).toBe(995_000n - BigInt(others.length) * 1_000n);
    await ledger.engine.stop();
  });

  it('of another database is left alone; an empty or unreadable one is no obstacle', async () => {
    const { ledger, path } = await begin();
    const foreign = join(path, 'journal', 'foreign');
    mkdirSync(foreign, { recursive: true });
    const header = { type: 'engine' as const, engineId: 4_242, bootId: 'elsewhere', pid: 1, processStart: '', pidNamespace: '' };
    appendFileSync(join(foreign, '00000001.journal'), encodeRecord(header));
    mkdirSync(join(path, 'journal', 'empty'));
    await ledger.successor.run(ledger.engine.journalDirectory);
    expect(ledger.problems).toEqual(['skipped: it belongs to another database']);
    expect(existsSync(foreign)).toBe(true);
    renameSync(foreign, join(path, 'foreign'));
    await ledger.engine.stop();
  });
});
