import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { expirableNanoUsd } from '../../core/ledger/index.js';
import { MAX_AMOUNT_NANO_USD } from '../../core/pricing/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { insertTransaction, lockAccount } from './transactions.js';

/** A grant of credit. Money in nano-USD, times in milliseconds since 1970. */
export interface GrantRecord {
  readonly id: number;
  readonly organizationId: string;
  readonly amountNanoUsd: bigint;
  readonly remainingNanoUsd: bigint;
  readonly expiredNanoUsd: bigint;
  /** Lower burns first. */
  readonly priority: number;
  readonly expiresAtMs: number | null;
  readonly reason: string;
  readonly source: string;
  readonly createdAtMs: number;
}

export interface NewGrant {
  readonly organizationId: string;
  /** Positive. */
  readonly amountNanoUsd: bigint;
  readonly reason: string;
  readonly expiresAtMs?: number;
  readonly priority?: number;
  /** The same key again returns the first grant; with another amount it is 422. */
  readonly idempotencyKey?: string;
  readonly actor?: string;
  readonly source?: 'operator' | 'demo' | 'redeem' | 'refund';
}

interface GrantRow extends Record<string, unknown> {
  id: string;
  organization_id: string;
  amount: string;
  remaining: string;
  expired: string;
  priority: number;
  expires_at: Date | null;
  reason: string;
  source: string;
  created_at: Date;
}

const COLUMNS = 'id, organization_id, amount, remaining, expired, priority, expires_at, reason, source, created_at';
const NUMBER_TOO_LARGE = '22003';
const EXPIRY_BATCH_COUNT = 200;

/** Credit given to organizations: grants, their list, their expiry. */
@Injectable()
export class Credits {
  constructor(private readonly database: Database) {}

  /** The account exists from then on. Harmless when it did. */
  async ensureAccount(organizationId: string, within: Queryable = this.database): Promise<void> {
    await within.query('SELECT ledger_account($1)', [organizationId]);
  }

  /** Throws 400 for an amount that is not positive or too large, 422 when the idempotency key was used for another grant. */
  async grant(input: NewGrant, within?: Queryable): Promise<GrantRecord> {
    if (input.amountNanoUsd <= 0n || input.amountNanoUsd > MAX_AMOUNT_NANO_USD) {
      throw invalidRequest('amount_usd', 'amount_usd must be more than 0 and at most 100000000');
    }
    try {
      return within === undefined ? await this.database.transaction((transaction) => grantWithin(transaction, input)) : await grantWithin(within, input);
    } catch (error) {
      if ((error as { code?: string }).code !== NUMBER_TOO_LARGE) throw error;
      throw invalidRequest('amount_usd', 'amount_usd would make the balance larger than the ledger can count');
    }
  }

  /** Newest first; `before` is the last id of the page before. */
  async list(organizationId: string, page: { limit: number; before?: number }): Promise<GrantRecord[]> {
    const { rows } = await this.database.query<GrantRow>(
      `SELECT ${COLUMNS} FROM ledger_grants WHERE organization_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
      [organizationId, page.before ?? Number.MAX_SAFE_INTEGER, page.limit],
    );
    return rows.map(grantRecord);
  }

  /** Takes what expired grants have left, except what open leases may still burn. Returns how many accounts were changed. */
  async expire(): Promise<number> {
    const { rows } = await this.database.query<{ organization_id: string }>(
      `SELECT DISTINCT g.organization_id FROM ledger_grants g JOIN ledger_ceilings c ON c.id = g.ceiling_id
       WHERE g.remaining > 0 AND g.expires_at <= now() AND c.posted > c.leased LIMIT ${EXPIRY_BATCH_COUNT}`,
    );
    for (const row of rows) await this.database.transaction((transaction) => expireWithin(transaction, row.organization_id));
    return rows.length;
  }
}

async function grantWithin(transaction: Queryable, input: NewGrant): Promise<GrantRecord> {
  const account = await lockAccount(transaction, input.organizationId);
  const expiresAt = input.expiresAtMs === undefined ? null : new Date(input.expiresAtMs);
  const { rows } = await transaction.query<GrantRow>(
    `INSERT INTO ledger_grants (ceiling_id, organization_id, amount, remaining, priority, expires_at, reason, source, actor, idempotency_key, created_at)
     VALUES ($1, $2, $3, $3, $4, $5, $6, $7, $8, $9, clock_timestamp()) ON CONFLICT (organization_id, idempotency_key) DO NOTHING RETURNING ${COLUMNS}`,
    [
      account.id, input.organizationId, input.amountNanoUsd, input.priority ?? 100, expiresAt, input.reason, input.source ?? 'operator',
      input.actor ?? null, input.idempotencyKey ?? null,
    ],
  );
  const row = rows[0];
  if (row === undefined) return await findFirst(transaction, input);
  await transaction.query('UPDATE ledger_ceilings SET posted = posted + $2, next_expiry = least(next_expiry, $3) WHERE id = $1', [account.id, input.amountNanoUsd, expiresAt]);
  await insertTransaction(transaction, {
    kind: 'grant', organizationId: input.organizationId, reason: input.reason, actor: input.actor,
    postings: [
      { account: 'issuance', grantId: null, amountNanoUsd: -input.amountNanoUsd },
      { account: 'credit', grantId: Number(row.id), amountNanoUsd: input.amountNanoUsd },
    ],
  });
  return grantRecord(row);
}

async function findFirst(transaction: Queryable, input: NewGrant): Promise<GrantRecord> {
  const { rows } = await transaction.query<GrantRow>(`SELECT ${COLUMNS} FROM ledger_grants WHERE organization_id = $1 AND idempotency_key = $2`, [
    input.organizationId, input.idempotencyKey,
  ]);
  const row = rows[0];
  if (row === undefined || BigInt(row.amount) !== input.amountNanoUsd) {
    throw new GatewayError('idempotency_mismatch', 'This idempotency_key was used for a grant of another amount.', { param: 'idempotency_key' });
  }
  return grantRecord(row);
}

async function expireWithin(transaction: Queryable, organizationId: string): Promise<void> {
  const account = await lockAccount(transaction, organizationId);
  const { rows } = await transaction.query<{ id: string; remaining: string }>(
    'SELECT id, remaining FROM ledger_grants WHERE ceiling_id = $1 AND remaining > 0 AND expires_at <= now() ORDER BY priority, expires_at, id',
    [account.id],
  );
  let available = account.postedNanoUsd - account.leasedNanoUsd;
  for (const row of rows) {
    const amount = expirableNanoUsd(BigInt(row.remaining), available);
    if (amount === 0n) continue;
    available -= amount;
    await transaction.query('UPDATE ledger_grants SET remaining = remaining - $2, expired = expired + $2 WHERE id = $1', [row.id, amount]);
    await transaction.query('UPDATE ledger_ceilings SET posted = posted - $2 WHERE id = $1', [account.id, amount]);
    await insertTransaction(transaction, {
      kind: 'expiry', organizationId,
      postings: [
        { account: 'credit', grantId: Number(row.id), amountNanoUsd: -amount },
        { account: 'expired', grantId: null, amountNanoUsd: amount },
      ],
    });
  }
  await transaction.query(
    'UPDATE ledger_ceilings SET next_expiry = (SELECT min(expires_at) FROM ledger_grants WHERE ceiling_id = $1 AND remaining > 0) WHERE id = $1',
    [account.id],
  );
}

function grantRecord(row: GrantRow): GrantRecord {
  return {
    id: Number(row.id),
    organizationId: row.organization_id,
    amountNanoUsd: BigInt(row.amount),
    remainingNanoUsd: BigInt(row.remaining),
    expiredNanoUsd: BigInt(row.expired),
    priority: row.priority,
    expiresAtMs: row.expires_at?.getTime() ?? null,
    reason: row.reason,
    source: row.source,
    createdAtMs: row.created_at.getTime(),
  };
}
