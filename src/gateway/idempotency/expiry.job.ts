import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Jobs } from '../../platform/queue/index.js';
import { IdempotencyClaims } from './claims.repository.js';

const EVERY_MS = 600_000;
/** What one run deletes at most; the next goes on. */
const MAX_BATCHES = 1_000;

/** Deletes claims that are older than 24 h, in batches that hold no lock for long. An expired one counts as free before that. */
@Injectable()
export class IdempotencyExpiryJob implements OnModuleInit {
  constructor(
    private readonly jobs: Jobs,
    private readonly claims: IdempotencyClaims,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'idempotency-expiry', everyMs: EVERY_MS, run: ({ signal }) => this.run(signal) });
  }

  async run(signal: AbortSignal): Promise<void> {
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
      if (!(await this.claims.deleteExpired())) return;
    }
  }
}
