import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Accounts } from '../../src/billing/accounts/accounts.service.js';
import { Credits } from '../../src/billing/accounts/credits.service.js';
import { LedgerVerify } from '../../src/billing/accounts/ledger-verify.service.js';
import { LedgerRequests } from '../../src/billing/accounts/request-money.service.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { holdRequest, startLedger, temporaryDirectory, until } from './billing-harness.js';

jest.setTimeout(60_000);

interface Seen {
  delivered: Map<string, number>;
  ended: Map<string, number>;
  child: ChildProcess;
}

describe('a killed process', () => {
  let fixture: TestDatabase;
  const directory = temporaryDirectory();
  const children: ChildProcess[] = [];

  beforeAll(async () => {
    fixture = await createTestDatabase();
    for (const organizationId of ['successor', 'sweeper', 'frozen', 'idle']) {
      await new Credits(fixture.database).grant({ organizationId, amountNanoUsd: 1_000_000_000n, reason: 'test' });
    }
  });
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    await fixture.drop();
    directory.remove();
  });

  async function start(name: string, count: number): Promise<Seen> {
    const script = join(__dirname, 'billing-crash-child.ts');
    const flags = ['--experimental-transform-types', '--no-warnings', '--require', join(__dirname, '../support/typescript-hooks.cjs')];
    const child = spawn(process.execPath, [...flags, script, fixture.url, join(directory.path, name), name, String(count)], {
      stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, NODE_OPTIONS: '' },
    });
    children.push(child);
    const seen: Seen = { delivered: new Map(), ended: new Map(), child };
    let ready = false;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [word, requestId = '', tokens] = line.split(' ');
      if (word === 'ready') ready = true;
      if (word === 'delivered') seen.delivered.set(requestId, Number(tokens));
      if (word === 'ended') seen.ended.set(requestId, Number(tokens));
    });
    await until(() => ready);
    return seen;
  }

  async function kill({ child }: Seen): Promise<void> {
    const gone = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await gone;
  }

  async function endsArePosted({ ended }: Seen): Promise<boolean> {
    const money = await new LedgerRequests(fixture.database).findMany([...ended.keys()]);
    return [...ended].every(([requestId, tokens]) => money.get(requestId)?.chargedNanoUsd === BigInt(tokens) * 1_000n);
  }

  /** Nobody pays more than was delivered, nothing is open, every answer a client saw end is charged exactly. */
  async function expectSettled(seen: Seen, organizationId: string): Promise<number> {
    const report = await new LedgerVerify(fixture.database).verify();
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([]);
    expect(report).toMatchObject({ driftNanoUsd: 0n, openHoldCount: 0, openLeaseCount: 0 });
    const money = await new LedgerRequests(fixture.database).findMany([...seen.delivered.keys()]);
    let sum = 0n;
    for (const [requestId, tokens] of seen.delivered) {
      const row = money.get(requestId);
      expect(row?.chargedNanoUsd).toBeLessThanOrEqual(BigInt(tokens) * 1_000n);
      if (seen.ended.has(requestId)) expect(row).toMatchObject({ state: 'completed', chargedNanoUsd: BigInt(seen.ended.get(requestId) ?? 0) * 1_000n });
      else expect(row?.state).not.toBe('completed');
      sum += row?.chargedNanoUsd ?? 0n;
    }
    expect(await new Accounts(fixture.database).get(organizationId)).toMatchObject({ balanceNanoUsd: 1_000_000_000n - sum, heldNanoUsd: 0n });
    return Number(sum / 1_000n);
  }

  it('restarted on its journal: every end exact, the rest by checkpoint, before anything is served', async () => {
    const seen = await start('successor', 50);
    await until(() => seen.ended.size === 10 && [...seen.delivered.values()].every((tokens) => tokens >= 100));
    await kill(seen);
    const next = await startLedger(fixture.database, join(directory.path, 'successor'));
    await next.successor.run(next.engine.journalDirectory);
    expect(next.problems).toEqual([expect.stringMatching(/^taken .*"damagedCount":0/)]);
    const tokens = await expectSettled(seen, 'successor');
    // Checkpoints are every 30 tokens: at most 29 of a stream are lost.
    const delivered = [...seen.delivered.values()].reduce((sum, count) => sum + count, 0);
    expect(tokens).toBeGreaterThan(delivered - 50 * 40);
    await next.successor.run(next.engine.journalDirectory);
    await next.engine.stop();
  });

  it('whose machine is lost: swept by the last checkpoint in the database, and only after the heartbeat stood still', async () => {
    const seen = await start('sweeper', 20);
    const watcher = await startLedger(fixture.database, join(directory.path, 'elsewhere'));
    await until(() => [...seen.delivered.values()].some((tokens) => tokens >= 150));
    await until(() => endsArePosted(seen));
    expect(await watcher.sweeper.run(watcher.engine.id)).toBe(0);
    await kill(seen);
    const killedMs = Date.now();
    await until(async () => (await watcher.sweeper.run(watcher.engine.id)) > 0);
    expect(Date.now() - killedMs).toBeGreaterThanOrEqual(700);
    await expectSettled(seen, 'sweeper');
    // The journal turns up after all: what it adds is posted once, as late.
    const late = await startLedger(fixture.database, join(directory.path, 'sweeper'));
    await late.successor.run(late.engine.journalDirectory);
    await expectSettled(seen, 'sweeper');
    await late.engine.stop();
    await watcher.engine.stop();
  });

  it('that was only frozen goes on as a new engine; its ends are posted once, as late', async () => {
    const seen = await start('frozen', 10);
    const watcher = await startLedger(fixture.database, join(directory.path, 'elsewhere'));
    await until(() => [...seen.delivered.values()].some((tokens) => tokens >= 50));
    seen.child.kill('SIGSTOP');
    await until(async () => (await watcher.sweeper.run(watcher.engine.id)) > 0);
    seen.child.kill('SIGCONT');
    await until(() => seen.ended.size === 2);
    await until(() => endsArePosted(seen));
    await kill(seen);
    const next = await startLedger(fixture.database, join(directory.path, 'frozen'));
    await next.successor.run(next.engine.journalDirectory);
    const report = await new LedgerVerify(fixture.database).verify();
    expect(report.invariants.filter(({ ok }) => !ok)).toEqual([]);
    expect(report).toMatchObject({ driftNanoUsd: 0n, openHoldCount: 0, openLeaseCount: 0 });
    await next.engine.stop();
    await watcher.engine.stop();
  });

  it('leaves a living neighbour’s journal alone', async () => {
    const first = await startLedger(fixture.database, join(directory.path, 'idle'));
    const second = await startLedger(fixture.database, join(directory.path, 'idle'));
    const hold = await first.engine.hold(holdRequest('idle', 10));
    await second.successor.run(second.engine.journalDirectory);
    hold.settle({ ...(await import('./billing-harness.js')).ending(10) });
    expect(await first.engine.flush()).toBe(true);
    await second.engine.stop();
    await first.engine.stop();
    expect(first.problems).toEqual([]);
  });
});
