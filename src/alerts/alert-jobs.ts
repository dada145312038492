import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { LedgerVerify } from '../billing/index.js';
import { Clock } from '../platform/clock/index.js';
import { Jobs, type JobContext } from '../platform/queue/index.js';
import { AlertMetrics } from './alert-metrics.js';
import { BudgetWatch } from './budget-watch.js';
import { Delivery } from './delivery.js';
import { Outbox } from './outbox.js';

const WATCH_INTERVAL_MS = 15_000;
const DELIVER_INTERVAL_MS = 5_000;
const PURGE_INTERVAL_MS = 3_600_000;

/** What the jobs work with, as one parameter. */
@Injectable()
export class AlertParts {
  constructor(
    readonly watch: BudgetWatch,
    readonly verifier: LedgerVerify,
    readonly delivery: Delivery,
    readonly outbox: Outbox,
  ) {}
}

/** The rows say what is to be told and sent; a run that is lost is made up by the next. */
@Injectable()
export class AlertJobs implements OnModuleInit {
  readonly #logger = new Logger('Alerts');

  constructor(
    private readonly jobs: Jobs,
    private readonly clock: Clock,
    private readonly metrics: AlertMetrics,
    private readonly parts: AlertParts,
  ) {}

  onModuleInit(): void {
    this.metrics.begin();
    this.jobs.register({ name: 'alerts-watch', everyMs: WATCH_INTERVAL_MS, run: () => this.#watch() });
    this.jobs.register({ name: 'alerts-deliver', everyMs: DELIVER_INTERVAL_MS, run: (context) => this.#deliver(context) });
    this.jobs.register({ name: 'alerts-purge', everyMs: PURGE_INTERVAL_MS, run: () => this.parts.outbox.purge() });
  }

  async #watch(): Promise<void> {
    const { watch, verifier, outbox } = this.parts;
    await watch.run(this.clock);
    const last = await verifier.findLast();
    if (last === null || last.ok) return;
    const data = { drift_nano_usd: last.driftNanoUsd.toString(), violated: last.violated, verified_at: new Date(last.atMs).toISOString() };
    const id = await outbox.append({ type: 'ledger.drift', occasion: String(last.atMs), organizationId: null, data });
    if (id !== null) this.#logger.error({ message: 'The ledger does not hold; run og ledger verify', ...data });
  }

  async #deliver(context: JobContext): Promise<void> {
    await this.parts.delivery.run(context.signal);
    this.metrics.pending(await this.parts.outbox.pendingCount());
  }
}
