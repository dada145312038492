import { Test } from '@nestjs/testing';
import { register } from 'prom-client';
import { Module } from '@nestjs/common';
import { Accounts, BillingModule, LedgerVerify } from '../../src/billing/index.js';
import { Holds } from '../../src/core/ledger/index.js';
import { Boot } from '../../src/platform/boot/index.js';
import { Clock, SystemClock } from '../../src/platform/clock/index.js';
import { Config, loadConfig } from '../../src/platform/config/index.js';
import { Database } from '../../src/platform/database/index.js';
import { Readiness } from '../../src/platform/health/index.js';
import { ProcessGroup, SoleProcess } from '../../src/platform/cluster/index.js';
import { Metrics } from '../../src/platform/metrics/index.js';
import { Jobs, type RecurringJob } from '../../src/platform/queue/index.js';
import { Secrets } from '../../src/platform/secrets/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ending, holdRequest, QUICK, temporaryDirectory } from './billing-harness.js';

describe('BillingModule', () => {
  let fixture: TestDatabase;
  const directory = temporaryDirectory();
  const registered: RecurringJob[] = [];

  beforeAll(async () => {
    fixture = await createTestDatabase();
  });
  afterAll(async () => {
    register.clear();
    await fixture.drop();
    directory.remove();
  });

  async function boot() {
    register.clear();
    registered.length = 0;
    const config = loadConfig({ OG_DATA_DIR: directory.path, DATABASE_URL: fixture.url, OG_DEMO: 'true' });
    const ports = [
      { provide: Config, useValue: config },
      { provide: Database, useValue: fixture.database },
      { provide: Clock, useClass: SystemClock },
      { provide: Boot, useValue: new Boot() },
      { provide: Secrets, useValue: new Secrets('11'.repeat(32)) },
      { provide: Jobs, useValue: { register: (job: RecurringJob) => registered.push(job) } },
      Readiness,
      { provide: ProcessGroup, useClass: SoleProcess },
      Metrics,
    ];
    @Module({ providers: ports, exports: ports })
    class Ports {}
    const made = await Test.createTestingModule({
      imports: [{ module: Ports, global: true }, BillingModule.forRoot(QUICK)],
    }).compile();
    made.enableShutdownHooks();
    await made.init();
    await made.get(Boot).run();
    return made;
  }

  it('boots with demo credit once, serves holds, shows its gauges and stops without a trace', async () => {
    const first = await boot();
    expect(await first.get(Accounts).get('default')).toMatchObject({ balanceNanoUsd: 100_000_000_000n });
    const hold = await first.get(Holds, { strict: false }).hold(holdRequest('default', 100));
    expect(await first.get(Metrics).text()).toContain('og_ledger_holds_usd{zone="local"} 0.0001');
    hold.settle(ending(10));
    expect(registered.map(({ name }) => name).sort()).toEqual(['ledger-expire-grants', 'ledger-recompute', 'ledger-sweep', 'ledger-verify', 'redeem-codes-generate', 'redeem-codes-purge', 'usage-roll-up']);
    for (const job of registered) await job.run({ signal: new AbortController().signal, progress: () => undefined });
    await first.close();
    const engines = await fixture.database.query('SELECT state FROM ledger_engines');
    expect(engines.rows).toEqual([{ state: 'ended' }]);

    const second = await boot();
    expect(await second.get(Accounts).get('default')).toMatchObject({ balanceNanoUsd: 99_999_990_000n, heldNanoUsd: 0n });
    expect(await second.get(LedgerVerify).verify()).toMatchObject({ ok: true, driftNanoUsd: 0n, openHoldCount: 0, openLeaseCount: 0 });
    expect(await second.get(Metrics).text()).toContain('og_ledger_imbalance_usd{zone="local"} 0');
    await second.close();
  }, 20_000);
});
