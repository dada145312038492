import { Injectable, type OnModuleInit } from '@nestjs/common';
import { RETENTION_DAYS } from '../../logs/index.js';
import { Clock } from '../../platform/clock/index.js';
import { Database } from '../../platform/database/index.js';
import { Jobs, type JobContext } from '../../platform/queue/index.js';

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;
const BATCH_COUNT = 1_000;
const MAX_BATCHES = 400;

/** Responses are kept as long as the payloads of requests, and deleted in batches that hold no lock for long. */
@Injectable()
export class StoredResponsesRetention implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'stored-responses-retention', everyMs: EVERY_MS, run: (context) => this.run(context) });
  }

  async run({ signal }: Pick<JobContext, 'signal'>): Promise<void> {
    const before = new Date(this.clock.nowMs() - RETENTION_DAYS.payloads * DAY_MS).toISOString();
    const text = `DELETE FROM stored_responses WHERE id IN (SELECT id FROM stored_responses WHERE created_at < $1 LIMIT ${BATCH_COUNT})`;
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
      const { rowCount } = await this.database.query(text, [before]);
      if ((rowCount ?? 0) < BATCH_COUNT) return;
    }
  }
}
