import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { Jobs } from '../platform/queue/index.js';
import { Credits } from './accounts/credits.service.js';
import { LedgerVerify } from './accounts/ledger-verify.service.js';
import { Recovery } from './recovery/recovery.js';

const EXPIRY_INTERVAL_MS = 60_000;
const VERIFY_INTERVAL_MS = 3_600_000;

/** The ledger's recurring work. Each run does what is due; one that is lost is done by the next. */
@Injectable()
export class LedgerJobs implements OnModuleInit {
  readonly #logger = new Logger('Ledger');

  constructor(
    private readonly jobs: Jobs,
    private readonly credits: Credits,
    private readonly verifier: LedgerVerify,
    private readonly recovery: Recovery,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'ledger-sweep', everyMs: this.recovery.sweepMs, run: () => this.recovery.sweep() });
    this.jobs.register({ name: 'ledger-expire-grants', everyMs: EXPIRY_INTERVAL_MS, run: async () => void (await this.credits.expire()) });
    this.jobs.register({ name: 'ledger-verify', everyMs: VERIFY_INTERVAL_MS, run: () => this.#verify() });
  }

  async #verify(): Promise<void> {
    const { ok, driftNanoUsd, invariants } = await this.verifier.verify();
    const violated = invariants.filter((invariant) => !invariant.ok);
    await this.verifier.record({ ok, driftNanoUsd, violated: violated.map(({ id }) => id) });
    if (!ok) this.#logger.error({ message: 'The ledger violates its invariants', driftNanoUsd: driftNanoUsd.toString(), violated });
  }
}
