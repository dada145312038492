import {
  ceilingsOf,
  leaseKey,
  planPostings,
  type Grant,
  type LeaseView,
  type LedgerView,
  type RequestFold,
  type RowView,
  type SettledBy,
  type StoredState,
} from '../../core/ledger/index.js';
import type { Price } from '../../core/pricing/index.js';
import type { Database, Queryable } from '../../platform/database/index.js';
import { LOCK_CEILINGS, READ_VIEW, WRITE_BATCH } from './posting-sql.js';
import { batchParameters } from './row-parameters.js';

/** A request can make three transactions: capture or cost, overage, late. */
const TRANSACTIONS_PER_REQUEST = 3;
const NONE: readonly Price[] = [];

type StoredRow = [requestId: string, state: StoredState, settledBy: SettledBy | null, checkpointSequence: number, attempts: number, charged: string];

interface ViewRow {
  rows: StoredRow[] | null;
  leases: [number, number, number, string][] | null;
  grants: [number, number, string, number, number | null, number][] | null;
  ids: string[];
}

/**
 * Owns the money's tables: posts folded requests in one transaction. Idempotent by request id, so that a caller who does not
 * know whether a commit happened simply posts again.
 */
export class LedgerRepository {
  constructor(private readonly database: Database) {}

  /** Returns the leases that changed; 0 means closed. */
  post(folds: readonly RequestFold[], settledBy: 'engine' | 'checkpoint', prices: readonly Price[] = NONE): Promise<LeaseView[]> {
    return this.database.transaction((transaction) => this.postWithin(transaction, folds, settledBy, prices));
  }

  /** The same inside a caller's transaction, who may already hold locks of the same ceilings. */
  async postWithin(
    transaction: Queryable,
    folds: readonly RequestFold[],
    settledBy: 'engine' | 'checkpoint',
    prices: readonly Price[] = NONE,
  ): Promise<LeaseView[]> {
    if (folds.length === 0 && prices.length === 0) return [];
    const { view, ids } = await readView(transaction, folds);
    const writes = planPostings(view, folds, settledBy);
    if (writes.rows.length === 0 && prices.length === 0) return [];
    await transaction.query(WRITE_BATCH, batchParameters(writes, ids, prices));
    return [...writes.leases.values()];
  }
}

async function readView(transaction: Queryable, folds: readonly RequestFold[]): Promise<{ view: LedgerView; ids: string[] }> {
  const ceilingIds = [...new Set(folds.flatMap(ceilingsOf))].sort((a, b) => a - b);
  const view: LedgerView = { ceilings: new Map(), leases: new Map(), grants: new Map(), rows: new Map() };
  if (ceilingIds.length > 0) await lockCeilings(transaction, ceilingIds, view);
  const ended = folds.filter((fold) => fold.ended !== null);
  const leased = ended.flatMap(({ admitted }) => admitted.parts.map((part) => [admitted.engineId, part.leaseNumber] as const));
  const accounts = ended.flatMap(({ admitted }) => admitted.parts.filter((part) => part.kind === 'account').map((part) => part.ceilingId));
  const keys = new Map(leased.map(([engineId, number]) => [leaseKey(engineId, number), [engineId, number] as const]));
  const { rows } = await transaction.query<ViewRow & Record<string, unknown>>(READ_VIEW, [
    [...new Set(folds.map(({ admitted }) => admitted.requestId))],
    [...keys.values()].map(([engineId]) => engineId),
    [...keys.values()].map(([, number]) => number),
    [...new Set(accounts)],
    ended.length * TRANSACTIONS_PER_REQUEST,
  ]);
  const found = rows[0] ?? { rows: null, leases: null, grants: null, ids: [] };
  for (const row of found.rows ?? []) view.rows.set(row[0], rowView(row));
  for (const [engineId, number, ceilingId, amount] of found.leases ?? []) {
    view.leases.set(leaseKey(engineId, number), { engineId, number, ceilingId, amountNanoUsd: BigInt(amount) });
  }
  for (const grant of found.grants ?? []) addGrant(view.grants, grant);
  return { view, ids: found.ids };
}

async function lockCeilings(transaction: Queryable, ids: readonly number[], view: LedgerView): Promise<void> {
  const { rows } = await transaction.query<{ id: string; posted: string; leased: string; overdraft: string }>(LOCK_CEILINGS, [ids]);
  for (const row of rows) {
    const id = Number(row.id);
    view.ceilings.set(id, {
      id,
      postedNanoUsd: BigInt(row.posted),
      leasedNanoUsd: BigInt(row.leased),
      overdraftNanoUsd: BigInt(row.overdraft),
    });
  }
}

function rowView([requestId, state, settledBy, checkpointSequence, attempts, charged]: StoredRow): RowView {
  return { requestId, state, settledBy, checkpointSequence, attempts, chargedNanoUsd: BigInt(charged) };
}

function addGrant(grants: Map<number, Grant[]>, row: [number, number, string, number, number | null, number]): void {
  const [id, ceilingId, remaining, priority, expiresAtMs, createdAtMs] = row;
  const list = grants.get(ceilingId) ?? [];
  list.push({ id, remainingNanoUsd: BigInt(remaining), priority, expiresAtMs, createdAtMs });
  grants.set(ceilingId, list);
}
