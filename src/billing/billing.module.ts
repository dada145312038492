import { Module, type DynamicModule } from '@nestjs/common';
import { Holds } from '../core/ledger/index.js';
import { Clock } from '../platform/clock/index.js';
import { Config } from '../platform/config/index.js';
import { Database } from '../platform/database/index.js';
import { TURN_STAGES } from '../platform/turn/index.js';
import { Accounts } from './accounts/accounts.service.js';
import { Credits } from './accounts/credits.service.js';
import { LedgerVerify } from './accounts/ledger-verify.service.js';
import { RecomputeJob } from './accounts/recompute-job.js';
import { Recompute } from './accounts/recompute.service.js';
import { Refunds } from './accounts/refunds.service.js';
import { LedgerRequests } from './accounts/request-money.service.js';
import { BillingMetrics, billingMetricProviders } from './billing-metrics.js';
import { BillingSettings } from './billing-settings.js';
import { LedgerEngine } from './holds/ledger-engine.js';
import { LedgerGauges } from './ledger-gauges.js';
import { LedgerJobs } from './ledger-jobs.js';
import { LedgerLifecycle } from './ledger-lifecycle.js';
import { LedgerReporter } from './ledger-reporter.js';
import { LedgerRepository } from './posting/ledger.repository.js';
import { Recovery } from './recovery/recovery.js';
import { Successor } from './recovery/successor.js';
import { Sweeper } from './recovery/sweeper.js';
import { ExchangeRates } from './rates/exchange-rates.service.js';
import { Corrections } from './reconciliation/corrections.service.js';
import { Reconciliations } from './reconciliation/reconciliations.service.js';
import { Statements } from './statements/statements.service.js';
import { UsageJobs } from './usage/usage-jobs.js';
import { UsageReports } from './usage/usage-reports.service.js';
import { UsageRollUp } from './usage/usage-roll-up.js';
import { redeemProviders, redeemServices } from './redeem-codes/index.js';

type Parts = [Database, LedgerRepository, Clock, BillingSettings, LedgerReporter];
const PARTS = [Database, LedgerRepository, Clock, BillingSettings, LedgerReporter];

/** The ledger of this process: `Holds` for the gateway, the operator's services, and the work that recurs. */
@Module({})
export class BillingModule {
  /** @param settings replaces defaults; for tests of deadlines. */
  static forRoot(settings: Partial<BillingSettings> = {}): DynamicModule {
    const services = [Accounts, Credits, Corrections, ExchangeRates, LedgerRequests, LedgerVerify, Recompute, Reconciliations, Refunds, Statements, UsageReports];
    return {
      module: BillingModule,
      providers: [
        { provide: BillingSettings, useValue: new BillingSettings(settings) },
        { provide: LedgerRepository, useFactory: (database: Database) => new LedgerRepository(database), inject: [Database] },
        {
          provide: LedgerEngine,
          useFactory: (config: Config, ...[database, repository, clock, billing, observer]: Parts) =>
            new LedgerEngine({ database, repository, clock, settings: billing, observer, zone: config.zone, dataDirectory: config.dataDirectory, turnEnd: TURN_STAGES.journaled }),
          inject: [Config, ...PARTS],
        },
        { provide: Holds, useExisting: LedgerEngine },
        {
          provide: Successor,
          useFactory: (...[database, repository, clock, billing, observer]: Parts) => new Successor({ database, repository, clock, settings: billing, observer }),
          inject: PARTS,
        },
        {
          provide: Sweeper,
          useFactory: (...[database, repository, clock, billing, observer]: Parts) => new Sweeper({ database, repository, clock, settings: billing, observer: observer.sweeper }),
          inject: PARTS,
        },
        {
          provide: Recovery,
          useFactory: (engine: LedgerEngine, successor: Successor, sweeper: Sweeper, ...[billing, observer]: [BillingSettings, LedgerReporter]) =>
            new Recovery({ engine, successor, sweeper, settings: billing, observer }),
          inject: [LedgerEngine, Successor, Sweeper, BillingSettings, LedgerReporter],
        },
        ...billingMetricProviders,
        BillingMetrics,
        LedgerReporter,
        LedgerGauges,
        LedgerJobs,
        RecomputeJob,
        UsageRollUp,
        UsageJobs,
        LedgerLifecycle,
        ...services,
        ...redeemProviders,
      ],
      exports: [Holds, ...services, ...redeemServices],
    };
  }
}
