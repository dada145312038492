import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { Config } from '../platform/config/index.js';
import { Readiness } from '../platform/health/index.js';
import { Metrics } from '../platform/metrics/index.js';
import { BillingMetrics } from './billing-metrics.js';
import { LedgerEngine } from './holds/ledger-engine.js';

/** Shows the engine's figures, and that this process cannot serve while its ledger admits nothing. */
@Injectable()
export class LedgerGauges implements OnModuleInit {
  @Inject(Config)
  private readonly config!: Config;

  constructor(
    private readonly scrape: Metrics,
    private readonly readiness: Readiness,
    private readonly metrics: BillingMetrics,
    private readonly engine: LedgerEngine,
  ) {}

  onModuleInit(): void {
    this.metrics.begin();
    if (!this.config.runs('engine')) return;
    this.readiness.register('ledger', () => this.engine.admits);
    this.scrape.beforeScrape(() => this.metrics.figures(this.engine.figures));
  }
}
