import { Injectable } from '@nestjs/common';
import { Database, type Queryable } from '../../platform/database/index.js';
import type { JobContext } from '../../platform/queue/index.js';
import { SUM_NAMES, SUMS_OF_REQUESTS } from './usage-columns.js';

/** A request may run for half an hour; an hour is summed when every request that was admitted in it has ended. */
const CLOSES_AFTER = "interval '35 minutes'";
/** What was not committed yet when the last run looked has been committed since, or was rolled back. */
const UNSEEN = "interval '60 seconds'";
/** Transactions get their ids before they commit; looked at again, to find what was committed late. */
const LOOK_BACK_COUNT = 20_000;
const LOCK = 7_203_851;
const MAX_HOURS_PER_RUN = 24 * 31;
const STATEMENT_TIMEOUT_MS = 60_000;

const COLUMNS = `hour, organization_id, project_id, key_id, model, provider, ${SUM_NAMES.join(', ')}`;

const SUM_HOUR = `
  INSERT INTO usage_hours (${COLUMNS})
  SELECT $1::timestamptz, organization_id, project_id, key_id, coalesce(served_model, model), coalesce(provider, '_none'), ${SUMS_OF_REQUESTS}
  FROM ledger_requests r WHERE admitted_at >= $1 AND admitted_at < $1::timestamptz + interval '1 hour' AND ended_at IS NOT NULL
  GROUP BY organization_id, project_id, key_id, coalesce(served_model, model), coalesce(provider, '_none')`;

/** Hours that were summed already and have a refund, a correction or a late posting since. */
const CHANGED_HOURS = `
  SELECT DISTINCT date_trunc('hour', r.admitted_at, 'UTC') AS hour FROM usage_progress p
    JOIN ledger_transactions t ON t.id > p.transaction_id - ${LOOK_BACK_COUNT} AND t.created_at >= p.rolled_at - ${UNSEEN}
    JOIN ledger_requests r ON r.request_id = t.request_id
  WHERE r.admitted_at < p.rolled_until ORDER BY 1`;

const NEXT_HOURS = `
  SELECT generate_series(
    coalesce((SELECT rolled_until FROM usage_progress), (SELECT date_trunc('hour', min(admitted_at), 'UTC') FROM ledger_requests)),
    date_trunc('hour', now() - ${CLOSES_AFTER}, 'UTC') - interval '1 hour', '1 hour') AS hour LIMIT ${MAX_HOURS_PER_RUN}`;

interface HourRow extends Record<string, unknown> {
  hour: Date;
}

/**
 * Sums the ledger's rows by hour of admission. An hour is always summed as a whole from the rows, so that a run that is repeated,
 * lost or late changes nothing, and the sums are the ledger's by construction; `og ledger verify` compares them all the same.
 */
@Injectable()
export class UsageRollUp {
  constructor(private readonly database: Database) {}

  /** Returns how many hours were summed. */
  async run(context?: Pick<JobContext, 'signal' | 'progress'>): Promise<number> {
    const changed = await this.database.transaction((transaction) => this.#sumChanged(transaction), { statementTimeoutMs: STATEMENT_TIMEOUT_MS });
    const { rows } = await this.database.query<HourRow>(NEXT_HOURS);
    let done = 0;
    for (const { hour } of rows) {
      if (context?.signal.aborted === true) break;
      await this.database.transaction((transaction) => this.#sumNext(transaction, hour), { statementTimeoutMs: STATEMENT_TIMEOUT_MS });
      done += 1;
      context?.progress(done / rows.length);
    }
    return changed + done;
  }

  /** The time of this look is the transaction's: what is posted while it runs is found by the next. */
  async #sumChanged(transaction: Queryable): Promise<number> {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    const newest = await transaction.query<{ id: string }>('SELECT coalesce(max(id), 0) AS id FROM ledger_transactions');
    const { rows } = await transaction.query<HourRow>(CHANGED_HOURS);
    for (const { hour } of rows) await sumHour(transaction, hour);
    await transaction.query('UPDATE usage_progress SET rolled_at = now(), transaction_id = $1', [newest.rows[0]?.id]);
    return rows.length;
  }

  async #sumNext(transaction: Queryable, hour: Date): Promise<void> {
    await transaction.query('SELECT pg_advisory_xact_lock($1)', [LOCK]);
    await sumHour(transaction, hour);
    await transaction.query(
      `INSERT INTO usage_progress (rolled_until, rolled_at, transaction_id) VALUES ($1::timestamptz + interval '1 hour', now(), (SELECT coalesce(max(id), 0) FROM ledger_transactions))
       ON CONFLICT (one) DO UPDATE SET rolled_until = greatest(usage_progress.rolled_until, excluded.rolled_until)`,
      [hour],
    );
  }
}

async function sumHour(transaction: Queryable, hour: Date): Promise<void> {
  await transaction.query('DELETE FROM usage_hours WHERE hour = $1', [hour]);
  await transaction.query(SUM_HOUR, [hour]);
}
