import type { Posting, TransactionKind } from '../../core/ledger/index.js';
import type { Queryable } from '../../platform/database/index.js';
import { ENTRY_COLUMNS, entryValues } from '../posting/entry-columns.js';

export interface NewTransaction {
  readonly kind: TransactionKind;
  readonly organizationId: string;
  readonly requestId?: string;
  /** Distinguishes several of a kind for one request. */
  readonly number?: number;
  readonly reason?: string;
  readonly actor?: string;
  readonly idempotencyKey?: string;
  readonly postings: readonly Posting[];
}

const COLUMNS = ['kind', 'organization_id', 'request_id', 'number', 'reason', 'actor', 'idempotency_key', ...ENTRY_COLUMNS];
const INSERT = `INSERT INTO ledger_transactions (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map((_, index) => `$${index + 1}`).join(', ')}) RETURNING id`;

/** Writes a transaction with its entries; the ceilings are the caller's, who holds their locks. Returns its id. */
export async function insertTransaction(queryable: Queryable, entry: NewTransaction): Promise<string> {
  const { kind, organizationId, requestId, number, reason, actor, idempotencyKey, postings } = entry;
  const { rows } = await queryable.query<{ id: string }>(INSERT, [
    kind, organizationId, requestId ?? null, number ?? 0, reason ?? null, actor ?? null, idempotencyKey ?? null, ...entryValues(postings),
  ]);
  return rows[0]?.id ?? '';
}

/** Locks an organization's account ceiling, making it when it is not there yet. */
export async function lockAccount(queryable: Queryable, organizationId: string): Promise<{ id: number; postedNanoUsd: bigint; leasedNanoUsd: bigint }> {
  // Two statements: one cannot see a row that it makes itself.
  const account = await queryable.query<{ id: string }>('SELECT ledger_account($1) AS id', [organizationId]);
  const { rows } = await queryable.query<{ id: string; posted: string; leased: string }>(
    'SELECT id, posted, leased FROM ledger_ceilings WHERE id = $1 FOR NO KEY UPDATE',
    [account.rows[0]?.id],
  );
  const row = rows[0];
  if (row === undefined) throw new Error(`the account of ${organizationId} could not be made`);
  return { id: Number(row.id), postedNanoUsd: BigInt(row.posted), leasedNanoUsd: BigInt(row.leased) };
}
