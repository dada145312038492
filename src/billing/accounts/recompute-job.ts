import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Jobs, type JobContext } from '../../platform/queue/index.js';
import { LedgerVerify } from './ledger-verify.service.js';
import { Recompute } from './recompute.service.js';

const INTERVAL_MS = 86_400_000;
const SHOWN_COUNT = 20;

/** Once a day every charge there ever was is computed again; one that comes out otherwise is an alarm like drift. */
@Injectable()
export class RecomputeJob implements OnModuleInit {
  readonly #logger = new Logger('Ledger');

  constructor(
    private readonly jobs: Jobs,
    private readonly recompute: Recompute,
    private readonly verifier: LedgerVerify,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'ledger-recompute', everyMs: INTERVAL_MS, run: (context) => this.#run(context) });
  }

  async #run(context: JobContext): Promise<void> {
    const { wrong } = await this.recompute.run(context);
    if (wrong.length === 0) return;
    await this.verifier.record({ ok: false, driftNanoUsd: 0n, violated: ['I12'] });
    this.#logger.error({ message: 'Charges do not follow from their usage and price', wrong: wrong.slice(0, SHOWN_COUNT).map(({ requestId }) => requestId) });
  }
}
