import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { classify, parseReport, type Outcome, type ReconciledLine, type ReportMapping } from '../../core/reconciliation/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { listByDay, listByRequest, type Period } from './our-lines.js';

export interface NewReconciliation extends Period {
  readonly format: 'csv' | 'json';
  readonly mapping: ReportMapping;
  readonly report: string;
  readonly toleranceNanoUsd: bigint;
}

/** The provider's ids → our request ids; who keeps the request log knows. */
export type FindRequests = (upstreamIds: readonly string[]) => Promise<ReadonlyMap<string, string>>;

export interface Reconciliation extends Period {
  readonly id: string;
  readonly byRequest: boolean;
  readonly createdAtMs: number;
  readonly counts: Readonly<Record<Outcome, number>>;
  readonly oursNanoUsd: bigint;
  readonly theirsNanoUsd: bigint;
  /** Proposed and not posted yet. */
  readonly openCount: number;
  readonly openCostNanoUsd: bigint;
  readonly openRefundNanoUsd: bigint;
}

export interface StoredLine extends ReconciledLine {
  readonly number: number;
  readonly correctionId: number | null;
  readonly refundId: number | null;
}

const CHUNK_COUNT = 10_000;
export const OPEN_LINES = '(l.cost <> 0 OR l.suspense <> 0 OR l.refund <> 0) AND l.correction_id IS NULL AND l.refund_id IS NULL';

const SELECT = `
  SELECT r.id, r.provider, r.period_from, r.period_to, r.by_request, r.created_at,
    count(*) FILTER (WHERE l.outcome = 'matched') AS matched, count(*) FILTER (WHERE l.outcome = 'different') AS different,
    count(*) FILTER (WHERE l.outcome = 'ours_only') AS ours_only, count(*) FILTER (WHERE l.outcome = 'theirs_only') AS theirs_only,
    coalesce(sum(l.ours), 0)::text AS ours, coalesce(sum(l.theirs), 0)::text AS theirs,
    count(*) FILTER (WHERE ${OPEN_LINES}) AS open, coalesce(sum(l.cost) FILTER (WHERE ${OPEN_LINES}), 0)::text AS open_cost, coalesce(sum(l.refund) FILTER (WHERE ${OPEN_LINES}), 0)::text AS open_refund
  FROM reconciliations r LEFT JOIN reconciliation_lines l ON l.reconciliation_id = r.id`;

/** A provider's usage report against the ledger: imported, compared, kept. Nothing is corrected by it. */
@Injectable()
export class Reconciliations {
  constructor(private readonly database: Database) {}

  /** Throws 400 that names line and column of what cannot be read. The same report of the same provider again is the first one's reconciliation. */
  async import(input: NewReconciliation, find: FindRequests, on: Queryable): Promise<Reconciliation> {
    const theirs = parseReport(input.report, input.format, input.mapping);
    const digest = createHash('sha256').update(JSON.stringify([input.fromMs, input.toMs, input.mapping, String(input.toleranceNanoUsd), input.report])).digest('hex');
    const id = newId('rec');
    const byRequest = input.mapping.id !== undefined;
    const inserted = await on.query(
      `INSERT INTO reconciliations (id, provider, period_from, period_to, by_request, mapping, tolerance, digest) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT ON CONSTRAINT reconciliations_once DO NOTHING`,
      [id, input.provider, new Date(input.fromMs), new Date(input.toMs), byRequest, JSON.stringify(input.mapping), input.toleranceNanoUsd, digest],
    );
    if (inserted.rowCount === 0) return this.#findFirst(input.provider, digest, on);
    const ours = byRequest ? await listByRequest(on, input, await find([...theirs.keys()])) : await listByDay(on, input);
    await insertLines(on, id, classify(ours, theirs, input.toleranceNanoUsd));
    return this.get(id, on);
  }

  /** Throws 404. */
  async get(id: string, on: Queryable = this.database): Promise<Reconciliation> {
    const { rows } = await on.query<Record<string, unknown>>(`${SELECT} WHERE r.id = $1 GROUP BY r.id`, [id]);
    if (rows[0] === undefined) throw new GatewayError('not_found', `There is no reconciliation ${id.slice(0, 64)}.`);
    return reconciliationOf(rows[0]);
  }

  /** Newest first; `before` is the last id of the page before. */
  async list(page: { limit: number; before?: string }): Promise<Reconciliation[]> {
    const { rows } = await this.database.query<Record<string, unknown>>(`${SELECT} WHERE $1::text IS NULL OR r.id < $1 GROUP BY r.id ORDER BY r.id DESC LIMIT $2`, [page.before ?? null, page.limit]);
    return rows.map(reconciliationOf);
  }

  /** In the order of the import; `after` is the last number of the page before. */
  async listLines(id: string, page: { limit: number; after?: number; outcome?: Outcome; open?: boolean }): Promise<StoredLine[]> {
    const { rows } = await this.database.query<Record<string, unknown>>(
      `SELECT l.* FROM reconciliation_lines l WHERE l.reconciliation_id = $1 AND l.number > $2 AND ($3::text IS NULL OR l.outcome = $3) ${page.open === true ? `AND ${OPEN_LINES}` : ''} ORDER BY l.number LIMIT $4`,
      [id, page.after ?? 0, page.outcome ?? null, page.limit],
    );
    return rows.map(lineOf);
  }

  async #findFirst(provider: string, digest: string, on: Queryable): Promise<Reconciliation> {
    const { rows } = await on.query<{ id: string }>('SELECT id FROM reconciliations WHERE provider = $1 AND digest = $2', [provider, digest]);
    return this.get(rows[0]?.id ?? '', on);
  }
}

async function insertLines(on: Queryable, id: string, lines: readonly ReconciledLine[]): Promise<void> {
  for (let start = 0; start < lines.length; start += CHUNK_COUNT) {
    const chunk = lines.slice(start, start + CHUNK_COUNT);
    await on.query(
      `INSERT INTO reconciliation_lines (reconciliation_id, number, outcome, reference, model, request_id, ours, theirs, cost, suspense, refund)
       SELECT $1, * FROM unnest($2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[])`,
      [
        id, chunk.map((_, index) => start + index + 1), chunk.map(({ outcome }) => outcome), chunk.map(({ reference }) => reference), chunk.map(({ model }) => model),
        chunk.map(({ requestId }) => requestId), chunk.map(({ oursNanoUsd }) => oursNanoUsd), chunk.map(({ theirsNanoUsd }) => theirsNanoUsd),
        chunk.map(({ costNanoUsd }) => costNanoUsd), chunk.map(({ suspenseNanoUsd }) => suspenseNanoUsd), chunk.map(({ refundNanoUsd }) => refundNanoUsd),
      ],
    );
  }
}

function reconciliationOf(row: Readonly<Record<string, unknown>>): Reconciliation {
  const count = (name: string): number => Number(row[name]);
  const money = (name: string): bigint => BigInt(row[name] as string);
  return {
    id: row['id'] as string,
    provider: row['provider'] as string,
    fromMs: (row['period_from'] as Date).getTime(),
    toMs: (row['period_to'] as Date).getTime(),
    byRequest: row['by_request'] as boolean,
    createdAtMs: (row['created_at'] as Date).getTime(),
    counts: { matched: count('matched'), different: count('different'), ours_only: count('ours_only'), theirs_only: count('theirs_only') },
    oursNanoUsd: money('ours'),
    theirsNanoUsd: money('theirs'),
    openCount: count('open'),
    openCostNanoUsd: money('open_cost'),
    openRefundNanoUsd: money('open_refund'),
  };
}

export function lineOf(row: Readonly<Record<string, unknown>>): StoredLine {
  const money = (name: string): bigint | null => (row[name] === null ? null : BigInt(row[name] as string));
  const id = (name: string): number | null => (row[name] === null ? null : Number(row[name]));
  return {
    number: row['number'] as number,
    outcome: row['outcome'] as Outcome,
    reference: row['reference'] as string,
    model: row['model'] as string | null,
    requestId: row['request_id'] as string | null,
    oursNanoUsd: money('ours'),
    theirsNanoUsd: money('theirs'),
    costNanoUsd: money('cost') ?? 0n,
    suspenseNanoUsd: money('suspense') ?? 0n,
    refundNanoUsd: money('refund') ?? 0n,
    correctionId: id('correction_id'),
    refundId: id('refund_id'),
  };
}
