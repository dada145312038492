/** A batch of codes. Nano-USD; times in milliseconds since 1970, null when there is none. */
export interface RedeemBatch {
  readonly id: string;
  readonly status: 'generating' | 'ready' | 'revoked';
  readonly amountNanoUsd: bigint;
  readonly maxUses: number;
  readonly codeCount: number;
  readonly generatedCount: number;
  readonly useCount: number;
  /** Of the codes. */
  readonly expiresAtMs: number | null;
  /** Of the credit they give. */
  readonly creditExpiresAtMs: number | null;
  /** Who may redeem; null: everyone. */
  readonly organizationIds: readonly string[] | null;
  readonly note: string | null;
  /** When the codes were shown, their only time. */
  readonly deliveredAtMs: number | null;
  /** A large batch's codes are gone when they were not fetched by then. */
  readonly deliverUntilMs: number | null;
  readonly revokedAtMs: number | null;
  readonly createdAtMs: number;
}

/** What became of a batch's money, nano-USD. */
export interface RedeemFunnel {
  readonly redeemedNanoUsd: bigint;
  readonly spentNanoUsd: bigint;
  readonly remainingNanoUsd: bigint;
  /** Expired or clawed back. */
  readonly expiredNanoUsd: bigint;
}

export interface RedeemUse {
  readonly id: number;
  readonly codeNumber: number;
  readonly organizationId: string;
  readonly keyId: string;
  readonly grantId: number;
  readonly remainingNanoUsd: bigint;
  readonly redeemedAtMs: number;
}

/** A code by its number in the order of delivery: what it says is not stored. */
export interface RedeemCodeState {
  readonly number: number;
  readonly status: 'unused' | 'partly_used' | 'used' | 'expired' | 'revoked';
  readonly useCount: number;
  readonly maxUses: number;
  readonly lastRedeemedAtMs: number | null;
}

export interface BatchRow extends Record<string, unknown> {
  id: string;
  amount: string;
  max_uses: number;
  code_count: number;
  generated_count: number;
  uses: string;
  expires_at: Date | null;
  credit_expires_at: Date | null;
  organization_ids: string[] | null;
  note: string | null;
  deliver_until: Date | null;
  delivered_at: Date | null;
  revoked_at: Date | null;
  created_at: Date;
}

export const BATCH_COLUMNS = `b.id, b.amount, b.max_uses, b.code_count, b.generated_count, b.expires_at, b.credit_expires_at, b.organization_ids, b.note,
  b.deliver_until, b.delivered_at, b.revoked_at, b.created_at, (SELECT coalesce(sum(c.uses), 0) FROM redeem_codes c WHERE c.batch_id = b.id AND c.uses > 0) AS uses`;

export const CODE_STATUS = `
  CASE WHEN c.revoked_at IS NOT NULL OR b.revoked_at IS NOT NULL THEN 'revoked' WHEN c.uses >= c.max_uses THEN 'used'
    WHEN least(b.expires_at, b.credit_expires_at) <= now() THEN 'expired' WHEN c.uses > 0 THEN 'partly_used' ELSE 'unused' END`;

export function batchOf(row: BatchRow): RedeemBatch {
  return {
    id: row.id,
    status: statusOf(row),
    amountNanoUsd: BigInt(row.amount),
    maxUses: row.max_uses,
    codeCount: row.code_count,
    generatedCount: row.generated_count,
    useCount: Number(row.uses),
    expiresAtMs: msOf(row.expires_at),
    creditExpiresAtMs: msOf(row.credit_expires_at),
    organizationIds: row.organization_ids,
    note: row.note,
    deliveredAtMs: msOf(row.delivered_at),
    deliverUntilMs: msOf(row.deliver_until),
    revokedAtMs: msOf(row.revoked_at),
    createdAtMs: row.created_at.getTime(),
  };
}

export function msOf(date: Date | null): number | null {
  return date === null ? null : date.getTime();
}

function statusOf(row: BatchRow): RedeemBatch['status'] {
  if (row.revoked_at !== null) return 'revoked';
  return row.generated_count < row.code_count ? 'generating' : 'ready';
}
