import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { Database } from '../platform/database/index.js';
import { Jobs, type JobContext } from '../platform/queue/index.js';
import { idAt } from './list-query.js';

const DAY_MS = 86_400_000;
const EVERY_MS = 3_600_000;
const BATCH_COUNT = 5_000;
/** Rows a run deletes at most of one table; the next run goes on. */
const MAX_BATCHES = 400;

/** How long each kind of record is kept. Money of record is the ledger's and is not deleted here. */
export const RETENTION_DAYS = { payloads: 30, records: 90, hours: 800 } as const;

/** Deletes what is older than its retention, in small batches that hold no lock for long. */
@Injectable()
export class RetentionJob implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'request-log-retention', everyMs: EVERY_MS, run: (context) => this.run(context) });
  }

  async run(context: Pick<JobContext, 'signal' | 'progress'>): Promise<void> {
    const nowMs = this.clock.nowMs();
    await this.deleteBefore('request_log_payloads', nowMs - RETENTION_DAYS.payloads * DAY_MS, context.signal);
    context.progress(0.4);
    await this.deleteBefore('request_logs', nowMs - RETENTION_DAYS.records * DAY_MS, context.signal);
    await this.deleteBefore('route_shadows', nowMs - RETENTION_DAYS.records * DAY_MS, context.signal);
    await this.database.query('DELETE FROM route_shadow_spend WHERE day < $1', [new Date(nowMs - RETENTION_DAYS.records * DAY_MS).toISOString()]);
    context.progress(0.9);
    await this.database.query('DELETE FROM request_log_hours WHERE hour < $1', [new Date(nowMs - RETENTION_DAYS.hours * DAY_MS).toISOString()]);
    context.progress(1);
  }

  private async deleteBefore(table: 'request_log_payloads' | 'request_logs' | 'route_shadows', beforeMs: number, signal: AbortSignal): Promise<void> {
    const text = `DELETE FROM ${table} WHERE request_id IN (SELECT request_id FROM ${table} WHERE request_id < $1 ORDER BY request_id LIMIT ${BATCH_COUNT})`;
    for (let batch = 0; batch < MAX_BATCHES && !signal.aborted; batch += 1) {
      const { rowCount } = await this.database.query(text, [idAt(beforeMs, 'before')]);
      if ((rowCount ?? 0) < BATCH_COUNT) return;
    }
  }
}
