import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { MAX_AMOUNT_NANO_USD } from '../../core/pricing/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { BATCH_COLUMNS, batchOf, CODE_STATUS, msOf, type BatchRow, type RedeemBatch, type RedeemCodeState, type RedeemFunnel, type RedeemUse } from './batch-rows.js';
import { CodeMaker } from './code-maker.js';
import { RedeemSettings } from './redeem-settings.js';

/** Most codes of one batch. */
export const MAX_CODE_COUNT = 100_000;
export const MAX_USES_COUNT = 1_000_000;

export interface NewBatch {
  /** 1 to 100,000. */
  readonly codeCount: number;
  readonly amountNanoUsd: bigint;
  readonly maxUses?: number;
  readonly expiresAtMs?: number;
  readonly creditExpiresAtMs?: number;
  readonly note?: string;
  readonly organizationIds?: readonly string[];
}

/** Newest first; `before` is the id of the last row of the page before. */
export interface BatchPage<Before> {
  readonly limit: number;
  readonly before?: Before;
}

const EXPORT_TIMEOUT_MS = 60_000;

/** Batches of codes for the operator: made, listed, looked into. */
@Injectable()
export class RedeemBatches {
  constructor(
    private readonly database: Database,
    private readonly maker: CodeMaker,
    private readonly settings: RedeemSettings,
  ) {}

  /** With the codes, which are never shown again; null for a large batch, whose codes a job makes. */
  async create(input: NewBatch, transaction: Queryable): Promise<{ batch: RedeemBatch; codes: string[] | null }> {
    checkBatch(input);
    const id = newId('rcb');
    const inReply = input.codeCount <= this.settings.inReplyCount;
    await transaction.query(
      `INSERT INTO redeem_batches (id, amount, max_uses, code_count, generated_count, expires_at, credit_expires_at, organization_ids, note, delivered_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $10 THEN clock_timestamp() END)`,
      [
        id, input.amountNanoUsd, input.maxUses ?? 1, input.codeCount, inReply ? input.codeCount : 0, dateOf(input.expiresAtMs), dateOf(input.creditExpiresAtMs),
        input.organizationIds ?? null, input.note ?? null, inReply,
      ],
    );
    const codes = inReply ? await this.maker.make(transaction, { batchId: id, firstNumber: 1, count: input.codeCount }) : null;
    return { batch: await this.get(id, transaction), codes };
  }

  async get(id: string, within: Queryable = this.database): Promise<RedeemBatch> {
    const { rows } = await within.query<BatchRow>(`SELECT ${BATCH_COLUMNS} FROM redeem_batches b WHERE b.id = $1`, [id]);
    if (rows[0] === undefined) throw new GatewayError('not_found', `There is no batch of redeem codes ${id.slice(0, 64)}.`);
    return batchOf(rows[0]);
  }

  async list(page: BatchPage<string>): Promise<RedeemBatch[]> {
    const { rows } = await this.database.query<BatchRow>(
      `SELECT ${BATCH_COLUMNS} FROM redeem_batches b WHERE $1::text IS NULL OR b.id < $1 ORDER BY b.id DESC LIMIT $2`,
      [page.before ?? null, page.limit],
    );
    return rows.map(batchOf);
  }

  /** What was redeemed, spent, left and taken back. */
  async funnel(id: string): Promise<RedeemFunnel> {
    const { rows } = await this.database.query<Record<string, string>>(
      `SELECT coalesce(sum(g.amount), 0) AS redeemed, coalesce(sum(g.remaining), 0) AS remaining, coalesce(sum(g.expired), 0) AS expired
       FROM redeem_codes c JOIN redeem_uses u ON u.code_id = c.id JOIN ledger_grants g ON g.id = u.grant_id WHERE c.batch_id = $1`,
      [id],
    );
    const [redeemed, remaining, expired] = ['redeemed', 'remaining', 'expired'].map((name) => BigInt(rows[0]?.[name] ?? '0')) as [bigint, bigint, bigint];
    return { redeemedNanoUsd: redeemed, remainingNanoUsd: remaining, expiredNanoUsd: expired, spentNanoUsd: redeemed - remaining - expired };
  }

  /** Newest first. */
  async listUses(id: string, page: BatchPage<number>): Promise<RedeemUse[]> {
    const { rows } = await this.database.query<Record<string, string> & { number: number; redeemed_at: Date }>(
      `SELECT u.id, c.number, u.organization_id, u.key_id, u.grant_id, g.remaining, u.redeemed_at
       FROM redeem_uses u JOIN redeem_codes c ON c.id = u.code_id JOIN ledger_grants g ON g.id = u.grant_id
       WHERE c.batch_id = $1 AND u.id < $2 ORDER BY u.id DESC LIMIT $3`,
      [id, page.before ?? Number.MAX_SAFE_INTEGER, page.limit],
    );
    return rows.map((row) => ({
      id: Number(row['id']), codeNumber: row.number, organizationId: String(row['organization_id']), keyId: String(row['key_id']),
      grantId: Number(row['grant_id']), remainingNanoUsd: BigInt(row['remaining'] ?? '0'), redeemedAtMs: row.redeemed_at.getTime(),
    }));
  }

  /** Every code's state in the order of delivery; at most 100,000 rows. */
  async listCodes(id: string): Promise<RedeemCodeState[]> {
    await this.get(id);
    const { rows } = await this.database.transaction(
      (snapshot) =>
        snapshot.query<{ number: number; status: RedeemCodeState['status']; uses: number; max_uses: number; last: Date | null }>(
          `SELECT c.number, ${CODE_STATUS} AS status, c.uses, c.max_uses, (SELECT max(u.redeemed_at) FROM redeem_uses u WHERE u.code_id = c.id) AS last
           FROM redeem_codes c JOIN redeem_batches b ON b.id = c.batch_id WHERE c.batch_id = $1 ORDER BY c.number`,
          [id],
        ),
      { readOnly: true, statementTimeoutMs: EXPORT_TIMEOUT_MS },
    );
    return rows.map((row) => ({ number: row.number, status: row.status, useCount: row.uses, maxUses: row.max_uses, lastRedeemedAtMs: msOf(row.last) }));
  }
}

function checkBatch(input: NewBatch): void {
  if (!isCount(input.codeCount, MAX_CODE_COUNT)) throw invalidRequest('count', `count must be a whole number from 1 to ${MAX_CODE_COUNT}.`);
  if (!isCount(input.maxUses ?? 1, MAX_USES_COUNT)) throw invalidRequest('max_uses', `max_uses must be a whole number from 1 to ${MAX_USES_COUNT}.`);
  if (input.amountNanoUsd <= 0n || input.amountNanoUsd > MAX_AMOUNT_NANO_USD) {
    throw invalidRequest('amount_usd', 'amount_usd must be more than 0 and at most 100000000.');
  }
}

function isCount(value: number, max: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= max;
}

function dateOf(ms: number | undefined): Date | null {
  return ms === undefined ? null : new Date(ms);
}
