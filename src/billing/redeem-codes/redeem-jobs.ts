import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Jobs, type JobContext } from '../../platform/queue/index.js';
import { RedeemDeliveries } from './delivery.service.js';
import { GuessLimits } from './guess-limits.js';
import { RedeemMetrics } from './redeem-metrics.js';

const GENERATE_INTERVAL_MS = 5_000;
const PURGE_INTERVAL_MS = 300_000;

/** Makes the codes of large batches and removes what is no longer needed. The tables say what is to do; a lost run is made up by the next. */
@Injectable()
export class RedeemJobs implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly guesses: GuessLimits,
    private readonly deliveries: RedeemDeliveries,
    private readonly metrics: RedeemMetrics,
  ) {}

  onModuleInit(): void {
    this.metrics.begin();
    this.jobs.register({ name: 'redeem-codes-generate', everyMs: GENERATE_INTERVAL_MS, run: (context) => this.#generate(context) });
    this.jobs.register({ name: 'redeem-codes-purge', everyMs: PURGE_INTERVAL_MS, run: () => this.#purge() });
  }

  async #generate({ signal, progress }: JobContext): Promise<void> {
    while (!signal.aborted) {
      const ratio = await this.deliveries.generate();
      if (ratio === null) return;
      progress(ratio);
    }
  }

  async #purge(): Promise<void> {
    await this.guesses.purge();
    await this.deliveries.purge();
  }
}
