import { Injectable } from '@nestjs/common';
import { GatewayError } from '../../core/errors/gateway-error.js';
import type { AccountKind, Posting } from '../../core/ledger/index.js';
import type { Queryable } from '../../platform/database/index.js';
import { Refunds } from '../accounts/refunds.service.js';
import { insertTransaction } from '../accounts/transactions.js';
import { lineOf, OPEN_LINES, type StoredLine } from './reconciliations.service.js';

export interface CorrectionResult {
  readonly reconciliationId: string;
  readonly postedCount: number;
  readonly costNanoUsd: bigint;
  readonly suspenseNanoUsd: bigint;
  readonly refundedNanoUsd: bigint;
  /** Still proposed; ask again. */
  readonly remainingCount: number;
}

/** Costs of the operator that belong to no customer's request. */
const OPERATOR_ORGANIZATION = '_operator';
const MAX_LINES = 500;

/** Account and budgets of everything that may be refunded: locked first, in order of id, as everywhere in the ledger. */
const LOCK_CEILINGS = `
  SELECT 1 FROM ledger_ceilings c WHERE c.id IN (
    SELECT ledger_account(r.organization_id) FROM ledger_requests r WHERE r.request_id = ANY ($1::text[])
    UNION SELECT h.ceiling_id FROM ledger_charges h WHERE h.request_id = ANY ($1::text[])) ORDER BY c.id FOR NO KEY UPDATE`;

/** Posts what a reconciliation proposes, after the operator's word: new transactions, never a change of an old one. */
@Injectable()
export class Corrections {
  constructor(private readonly refunds: Refunds) {}

  /** `numbers`: some of the lines; default all. At most 500 at once, each once, however often it is asked for. Throws 404. */
  async post(id: string, numbers: readonly number[] | null, on: Queryable): Promise<CorrectionResult> {
    const known = await on.query('SELECT 1 FROM reconciliations WHERE id = $1 FOR UPDATE', [id]);
    if (known.rowCount === 0) throw new GatewayError('not_found', `There is no reconciliation ${id.slice(0, 64)}.`);
    const { rows } = await on.query<Record<string, unknown>>(
      `SELECT l.*, count(*) OVER () AS all_count FROM reconciliation_lines l WHERE l.reconciliation_id = $1 AND ${OPEN_LINES} AND ($2::int[] IS NULL OR l.number = ANY ($2)) ORDER BY l.number LIMIT ${MAX_LINES}`,
      [id, numbers],
    );
    const lines = rows.map(lineOf);
    await on.query(LOCK_CEILINGS, [lines.flatMap(({ requestId, refundNanoUsd }) => (requestId === null || refundNanoUsd === 0n ? [] : [requestId]))]);
    for (const line of lines) await this.#postLine(id, line, on);
    return {
      reconciliationId: id,
      postedCount: lines.length,
      costNanoUsd: sum(lines, 'costNanoUsd'),
      suspenseNanoUsd: sum(lines, 'suspenseNanoUsd'),
      refundedNanoUsd: sum(lines, 'refundNanoUsd'),
      remainingCount: Number(rows[0]?.['all_count'] ?? 0) - lines.length,
    };
  }

  async #postLine(id: string, line: StoredLine, on: Queryable): Promise<void> {
    const reason = `reconciliation ${id}, line ${line.number}`;
    const { id: refundId, amountNanoUsd } = await this.#refund(line, reason, on);
    const postings = [...borne('provider_cost', line.costNanoUsd), ...borne('suspense', line.suspenseNanoUsd)];
    const correctionId = postings.length === 0 ? null : await correct(line, postings, { reason, on });
    await on.query('UPDATE reconciliation_lines SET correction_id = $3, refund_id = $4, refund = $5 WHERE reconciliation_id = $1 AND number = $2', [
      id, line.number, correctionId, refundId, amountNanoUsd,
    ]);
  }

  /** What was refunded otherwise since the import is not given back twice. */
  async #refund({ requestId, refundNanoUsd }: StoredLine, reason: string, on: Queryable): Promise<{ id: number | null; amountNanoUsd: bigint }> {
    if (requestId === null || refundNanoUsd === 0n) return { id: null, amountNanoUsd: 0n };
    const { rows } = await on.query<{ due: string }>('SELECT least($2::bigint, captured + overage - refunded) AS due FROM ledger_requests WHERE request_id = $1', [requestId, refundNanoUsd]);
    const amountNanoUsd = BigInt(rows[0]?.due ?? 0);
    if (amountNanoUsd === 0n) return { id: null, amountNanoUsd };
    return this.refunds.refund({ requestId, amountNanoUsd, reason, actor: 'operator', idempotencyKey: reason }, on);
  }
}

async function correct(line: StoredLine, postings: readonly Posting[], { reason, on }: { reason: string; on: Queryable }): Promise<string> {
  if (line.requestId === null) return insertTransaction(on, { kind: 'correction', organizationId: OPERATOR_ORGANIZATION, reason, actor: 'operator', postings });
  // The row keeps the sums of its transactions, as it does of refunds.
  const { rows } = await on.query<{ organization_id: string; next: number }>(
    `UPDATE ledger_requests r SET provider_cost = provider_cost + $2, suspense = suspense + $3 WHERE request_id = $1
     RETURNING organization_id, (SELECT coalesce(max(t.number), 0) + 1 FROM ledger_transactions t WHERE t.request_id = $1 AND t.kind = 'correction') AS next`,
    [line.requestId, line.costNanoUsd, line.suspenseNanoUsd],
  );
  const row = rows[0];
  if (row === undefined) throw new GatewayError('not_found', `The ledger knows no request ${line.requestId}.`);
  return insertTransaction(on, { kind: 'correction', organizationId: row.organization_id, requestId: line.requestId, number: row.next, reason, actor: 'operator', postings });
}

function borne(account: AccountKind, amountNanoUsd: bigint): Posting[] {
  if (amountNanoUsd === 0n) return [];
  return [
    { account, grantId: null, amountNanoUsd },
    { account: 'operator', grantId: null, amountNanoUsd: -amountNanoUsd },
  ];
}

function sum(lines: readonly StoredLine[], field: 'costNanoUsd' | 'suspenseNanoUsd' | 'refundNanoUsd'): bigint {
  return lines.reduce((total, line) => total + line[field], 0n);
}
