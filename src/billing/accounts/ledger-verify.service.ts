import { Injectable, Optional } from '@nestjs/common';
import { Database, type Queryable } from '../../platform/database/index.js';
import { BillingMetrics } from '../billing-metrics.js';
import { recomputeLatest } from './recompute.service.js';
import { COUNTS, DRIFT, INVARIANTS } from './verify-sql.js';

export interface InvariantResult {
  readonly id: string;
  readonly means: string;
  readonly ok: boolean;
  readonly violationCount: number;
  /** The first few, as the database tells them. */
  readonly examples: readonly Record<string, unknown>[];
}

export interface LedgerReport {
  readonly ok: boolean;
  /** Σ |stored − replayed| over all ceilings, posted and leased. */
  readonly driftNanoUsd: bigint;
  readonly openHoldCount: number;
  readonly openLeaseCount: number;
  readonly heldNanoUsd: bigint;
  readonly transactionCount: number;
  readonly entryCount: number;
  readonly requestCount: number;
  readonly liveEngineCount: number;
  /** Of all balances, replayed from zero; equal to the stored ones' when nothing drifted. */
  readonly replayHash: string;
  readonly recomputedCount: number;
  readonly invariants: readonly InvariantResult[];
}

/** What the hourly verification found. */
export interface RecordedVerification {
  readonly atMs: number;
  readonly ok: boolean;
  readonly driftNanoUsd: bigint;
  /** Ids of invariants. */
  readonly violated: readonly string[];
}

/** A statement over the whole ledger may take long; it reads one snapshot and locks nothing. */
const STATEMENT_TIMEOUT_MS = 120_000;
const EXAMPLE_COUNT = 5;
const RECOMPUTE_COUNT = 2_000;

/** Replays the ledger from zero and asks every invariant that SQL can decide. */
@Injectable()
export class LedgerVerify {
  constructor(
    private readonly database: Database,
    @Optional() private readonly metrics?: BillingMetrics,
  ) {}

  async verify(): Promise<LedgerReport> {
    const found = await this.database.transaction((snapshot) => report(snapshot), {
      isolation: 'repeatable read',
      readOnly: true,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    this.metrics?.verified(found.driftNanoUsd, found.invariants.filter(({ ok }) => !ok).length);
    return found;
  }

  /** Keeps what a verification found, for whoever watches; a hundred days of them. */
  async record({ ok, driftNanoUsd, violated }: Omit<RecordedVerification, 'atMs'>): Promise<void> {
    await this.database.query('INSERT INTO ledger_verifications (ok, drift, violated) VALUES ($1, $2, $3)', [ok, driftNanoUsd, violated]);
    await this.database.query("DELETE FROM ledger_verifications WHERE verified_at < now() - interval '100 days'");
  }

  /** Null when nothing was verified yet. */
  async findLast(): Promise<RecordedVerification | null> {
    const { rows } = await this.database.query<{ verified_at: Date; ok: boolean; drift: string; violated: string[] }>(
      'SELECT verified_at, ok, drift, violated FROM ledger_verifications ORDER BY verified_at DESC LIMIT 1',
    );
    const [row] = rows;
    return row === undefined ? null : { atMs: row.verified_at.getTime(), ok: row.ok, driftNanoUsd: BigInt(row.drift), violated: row.violated };
  }
}

async function report(snapshot: Queryable): Promise<LedgerReport> {
  const counts = (await snapshot.query<Record<string, string>>(COUNTS)).rows[0] ?? {};
  const drift = (await snapshot.query<Record<string, string>>(DRIFT)).rows[0] ?? {};
  const invariants: InvariantResult[] = [];
  for (const { id, means, text } of INVARIANTS) {
    const { rows } = await snapshot.query(`SELECT count(*) OVER () AS violations, v.* FROM (${text}) v LIMIT ${EXAMPLE_COUNT}`);
    const examples = rows.map((row) => Object.fromEntries(Object.entries(row).filter(([name]) => name !== 'violations')));
    invariants.push({ id, means, ok: rows.length === 0, violationCount: Number(rows[0]?.['violations'] ?? 0), examples });
  }
  const recomputed = await recompute(snapshot);
  invariants.push(recomputed.result);
  const replayed = drift['stored_hash'] === drift['replayed_hash'];
  invariants.push({ id: 'I24', means: 'replay from zero reproduces every balance', ok: replayed, violationCount: replayed ? 0 : 1, examples: [] });
  return {
    ok: invariants.every(({ ok }) => ok),
    driftNanoUsd: BigInt(drift['drift'] ?? '0'),
    openHoldCount: Number(counts['open_holds']),
    openLeaseCount: Number(counts['open_leases']),
    heldNanoUsd: BigInt(counts['held'] ?? '0'),
    transactionCount: Number(counts['transactions']),
    entryCount: Number(counts['entries']),
    requestCount: Number(counts['requests']),
    liveEngineCount: Number(counts['live_engines']),
    replayHash: drift['replayed_hash'] ?? '',
    recomputedCount: recomputed.count,
    invariants,
  };
}

/** The latest charges; a job computes every one again, once a day. */
async function recompute(snapshot: Queryable): Promise<{ result: InvariantResult; count: number }> {
  const { checkedCount, wrong } = await recomputeLatest(snapshot, RECOMPUTE_COUNT);
  const examples = wrong.slice(0, EXAMPLE_COUNT).map((one) => ({ request_id: one.requestId, worth: String(one.worthNanoUsd), recomputed: String(one.recomputedNanoUsd) }));
  return { result: { id: 'I12', means: 'a charge recomputed from usage and price is the same', ok: wrong.length === 0, violationCount: wrong.length, examples }, count: checkedCount };
}
