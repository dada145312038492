import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { Database } from '../platform/database/index.js';
import { Jobs, type JobContext } from '../platform/queue/index.js';
import { idAt } from './list-query.js';

const HOUR_MS = 3_600_000;
const EVERY_MS = 600_000;
/** A request may end, and be written, half an hour after it was received; its hour is counted again until then. */
const OPEN_HOURS = 2;
/** A worker that was away catches up in several runs. */
const MAX_HOURS_PER_RUN = 24 * 7;

const ROLL_UP = `INSERT INTO request_log_hours
  SELECT $1::timestamptz, organization_id, project_id, key_id, coalesce(served_model, '_none'), coalesce(provider, '_none'), zone,
    count(*), count(*) FILTER (WHERE status < 400), count(*) FILTER (WHERE status >= 400 AND status < 500 AND state <> 'canceled'),
    count(*) FILTER (WHERE status >= 500), count(*) FILTER (WHERE state = 'canceled'),
    sum(prompt_tokens), sum(completion_tokens), sum(cached_tokens), sum(charged_nano_usd), sum(provider_cost_nano_usd),
    sum(total_ms), coalesce(sum(ttft_ms), 0), count(ttft_ms), sum(cache_saved_nano_usd)
  FROM request_logs WHERE request_id >= $2 AND request_id < $3 GROUP BY 2, 3, 4, 5, 6, 7
  ON CONFLICT (hour, organization_id, project_id, key_id, model, provider, zone) DO UPDATE SET
    requests = EXCLUDED.requests, succeeded = EXCLUDED.succeeded, client_errors = EXCLUDED.client_errors, server_errors = EXCLUDED.server_errors,
    canceled = EXCLUDED.canceled, prompt_tokens = EXCLUDED.prompt_tokens, completion_tokens = EXCLUDED.completion_tokens, cached_tokens = EXCLUDED.cached_tokens,
    charged_nano_usd = EXCLUDED.charged_nano_usd, provider_cost_nano_usd = EXCLUDED.provider_cost_nano_usd, total_ms = EXCLUDED.total_ms,
    ttft_ms = EXCLUDED.ttft_ms, ttft_count = EXCLUDED.ttft_count, cache_saved_nano_usd = EXCLUDED.cache_saved_nano_usd`;

/**
 * Sums the log by hour, for charts that must not read every record. Each hour is counted anew as a whole, so that a run that is
 * repeated, lost or late changes nothing.
 */
@Injectable()
export class RollUpJob implements OnModuleInit {
  constructor(
    private readonly database: Database,
    private readonly jobs: Jobs,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.jobs.register({ name: 'request-log-roll-up', everyMs: EVERY_MS, run: (context) => this.run(context) });
  }

  async run(context: Pick<JobContext, 'signal' | 'progress'>): Promise<void> {
    const lastMs = hourOf(this.clock.nowMs());
    const firstMs = await this.firstHourMs(lastMs);
    const untilMs = Math.min(lastMs, firstMs + (MAX_HOURS_PER_RUN - 1) * HOUR_MS);
    for (let hourMs = firstMs; hourMs <= untilMs && !context.signal.aborted; hourMs += HOUR_MS) {
      const values = [new Date(hourMs).toISOString(), idAt(hourMs, 'hour'), idAt(hourMs + HOUR_MS, 'hour')];
      await this.database.transaction(async (transaction) => void (await transaction.query({ text: ROLL_UP, values })), { statementTimeoutMs: 60_000 });
      context.progress((hourMs - firstMs + HOUR_MS) / (untilMs - firstMs + HOUR_MS));
    }
  }

  /** The oldest hour that may still change, or the first that was never counted. */
  private async firstHourMs(lastMs: number): Promise<number> {
    const { rows } = await this.database.query<{ counted: Date | null; oldest: Date | null }>(
      'SELECT (SELECT max(hour) FROM request_log_hours) AS counted, (SELECT received_at FROM request_logs ORDER BY request_id LIMIT 1) AS oldest',
    );
    const openMs = lastMs - OPEN_HOURS * HOUR_MS;
    const [row] = rows;
    if (row?.counted != null) return Math.min(openMs, row.counted.getTime() - OPEN_HOURS * HOUR_MS);
    return row?.oldest == null ? openMs : Math.min(openMs, hourOf(row.oldest.getTime()));
  }
}

const hourOf = (ms: number): number => Math.floor(ms / HOUR_MS) * HOUR_MS;
