import {
  leaseKey,
  mayChange,
  planPostings,
  type CeilingView,
  type Grant,
  type HoldPart,
  type LeaseView,
  type LedgerView,
  type LedgerWrites,
  type RequestFold,
  type RowView,
  type SettledBy,
  type StoredState,
} from '../../core/ledger/index.js';
import type { Price } from '../../core/pricing/index.js';
import type { Database, Queryable } from '../../platform/database/index.js';
import { failpoint } from '../../platform/failpoint/index.js';
import { changeParameters, TRANSACTION_ROWS } from './batch-parameters.js';
import { requestRows } from './request-rows.js';

const NONE: readonly Price[] = [];

type StoredRow = [requestId: string, state: StoredState, settledBy: SettledBy | null, checkpointSequence: number, attempts: number, accounted: string, cost: string, suspense: string];

interface ViewRow extends Record<string, unknown> {
  ceilings: [id: number, posted: string, leased: string, overdraft: string][] | null;
  requests: StoredRow[] | null;
  leases: [number, number, number, string, boolean][] | null;
  grants: [number, number, string, number, number | null, number][] | null;
  now_ms: number;
}

type EnginePart = HoldPart & { engineId: number };

const EMPTY_VIEW: ViewRow = { ceilings: null, requests: null, leases: null, grants: null, now_ms: 0 };

const VIEW = { name: 'ledger-view', text: 'SELECT ceilings, requests, leases, grants, now_ms FROM ledger_view($1, $2, $3, $4, $5)' };
const WRITE = {
  name: 'ledger-write',
  text: `SELECT ledger_write(${Array.from({ length: 14 }, (_, index) => `$${index + 1}`).join(', ')})`,
};

/**
 * Owns the money's tables: posts folded requests in one transaction. Idempotent by request id, so that a caller who does not
 * know whether a commit happened simply posts again.
 */
export class LedgerRepository {
  constructor(private readonly database: Database) {}

  /**
   * Returns the word on every lease of the ended requests, changed or not: 0 means closed. A caller whose first try was committed
   * without an answer learns it from the second.
   */
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
    const { view, keys, nowMs } = await readView(transaction, folds);
    const writes = planPostings(view, folds, settledBy);
    await write(transaction, { writes, prices, nowMs });
    if (settledBy === 'engine' && folds.some(({ ended }) => ended !== null)) failpoint('half-posted');
    return keys.map((part) => view.leases.get(leaseKey(part.engineId, part.leaseNumber)) ?? closed(part));
  }
}

interface Batch {
  readonly writes: LedgerWrites;
  readonly prices: readonly Price[];
  /** The database's. */
  readonly nowMs: number;
}

/** What is new is copied, in the order of locks; what changes is one statement. */
async function write(transaction: Queryable, { writes, prices, nowMs }: Batch): Promise<void> {
  if (writes.rows.length === 0 && prices.length === 0) return;
  const added = writes.rows.every(({ insert }) => insert) ? writes.rows : writes.rows.filter(({ insert }) => insert);
  if (added.length > 0) await transaction.copy(requestRows(nowMs), added);
  await transaction.query(WRITE, changeParameters(writes, prices));
  if (writes.transactions.length > 0) await transaction.copy(TRANSACTION_ROWS, writes.transactions);
}

/** Locks the batch's ceilings and reads what it must see, in one round trip. */
async function readView(transaction: Queryable, folds: readonly RequestFold[]): Promise<{ view: LedgerView; keys: EnginePart[]; nowMs: number }> {
  const keys = leasesOf(folds);
  const { rows } = await transaction.query<ViewRow>(VIEW, [
    ceilingsOf(folds),
    textArray(folds.map(({ admitted }) => admitted.requestId)),
    keys.map(({ engineId }) => engineId),
    keys.map(({ leaseNumber }) => leaseNumber),
    accountsOf(folds),
  ]);
  const found = rows[0] ?? EMPTY_VIEW;
  return { view: decodeView(found), keys, nowMs: found.now_ms };
}

const PLAIN_IDS = /^[\w,]*$/;

/** Of ids of our own making, which need no quotes, in the form that pg would bring it to element by element. */
function textArray(ids: string[]): string | string[] {
  const joined = ids.join(',');
  return PLAIN_IDS.test(joined) ? `{${joined}}` : ids;
}

/** In the order in which everyone locks them. */
function ceilingsOf(folds: readonly RequestFold[]): number[] {
  const ids = new Set<number>();
  for (const { ended, admitted } of folds) {
    if (ended === null) continue;
    for (const part of admitted.parts) if (mayChange(ended, part)) ids.add(part.ceilingId);
  }
  return [...ids].sort((a, b) => a - b);
}

/** A part of each lease that the ended requests were carved from. */
function leasesOf(folds: readonly RequestFold[]): EnginePart[] {
  const leases = new Map<string, EnginePart>();
  let last: EnginePart | null = null;
  for (const { ended, admitted } of folds) {
    if (ended === null) continue;
    for (const part of admitted.parts) {
      // Most of a batch are carved from the same lease.
      if (last !== null && last.leaseNumber === part.leaseNumber && last.engineId === admitted.engineId) continue;
      last = { ...part, engineId: admitted.engineId };
      leases.set(leaseKey(last.engineId, last.leaseNumber), last);
    }
  }
  return [...leases.values()];
}

function accountsOf(folds: readonly RequestFold[]): number[] {
  const ids = new Set<number>();
  for (const { ended, admitted } of folds) {
    if (ended === null) continue;
    for (const { kind, ceilingId } of admitted.parts) if (kind === 'account') ids.add(ceilingId);
  }
  return [...ids];
}

function closed({ engineId, leaseNumber, ceilingId }: EnginePart): LeaseView {
  return { engineId, number: leaseNumber, ceilingId, amountNanoUsd: 0n, exact: true };
}

function decodeView({ ceilings, requests, leases, grants }: ViewRow): LedgerView {
  const view: LedgerView = { ceilings: new Map(), leases: new Map(), grants: new Map(), rows: new Map() };
  for (const row of ceilings ?? []) view.ceilings.set(row[0], ceilingView(row));
  for (const row of requests ?? []) view.rows.set(row[0], rowView(row));
  for (const [engineId, number, ceilingId, amount, exact] of leases ?? []) {
    view.leases.set(leaseKey(engineId, number), { engineId, number, ceilingId, amountNanoUsd: BigInt(amount), exact });
  }
  for (const grant of grants ?? []) addGrant(view.grants, grant);
  return view;
}

function ceilingView([id, posted, leased, overdraft]: [number, string, string, string]): CeilingView {
  return { id, postedNanoUsd: BigInt(posted), leasedNanoUsd: BigInt(leased), overdraftNanoUsd: BigInt(overdraft) };
}

function rowView([requestId, state, settledBy, checkpointSequence, attempts, accounted, cost, suspense]: StoredRow): RowView {
  const money = { accountedNanoUsd: BigInt(accounted), providerCostNanoUsd: BigInt(cost), suspenseNanoUsd: BigInt(suspense) };
  return { requestId, state, settledBy, checkpointSequence, attempts, ...money };
}

function addGrant(grants: Map<number, Grant[]>, row: [number, number, string, number, number | null, number]): void {
  const [id, ceilingId, remaining, priority, expiresAtMs, createdAtMs] = row;
  const list = grants.get(ceilingId) ?? [];
  list.push({ id, remainingNanoUsd: BigInt(remaining), priority, expiresAtMs, createdAtMs });
  grants.set(ceilingId, list);
}
