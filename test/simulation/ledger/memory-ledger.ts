import {
  leaseKey,
  planPostings,
  type CeilingView,
  type Grant,
  type LeaseView,
  type LedgerView,
  type LedgerWrites,
  type Posting,
  type RequestFold,
  type RowView,
  type TransactionKind,
} from '../../../src/core/ledger/index.js';

export interface StoredTransaction {
  kind: TransactionKind;
  requestId: string | null;
  accountId: number;
  postings: Posting[];
}

/** Faults that can be planted to see that the checks find them. */
export type PlantedBug = 'posts-twice' | 'keeps-leases' | 'charges-the-hold' | 'forgets-refused-part' | 'burns-nothing' | null;

/** The ledger's database in memory: commits are atomic, and every commit is checked as the constraints would. */
export class MemoryLedger {
  readonly ceilings = new Map<number, CeilingView>();
  readonly leases = new Map<string, LeaseView>();
  readonly grants = new Map<number, Grant[]>();
  readonly rows = new Map<string, RowView>();
  readonly transactions: StoredTransaction[] = [];
  readonly charges = new Map<string, bigint>();
  readonly budgets = new Set<number>();
  readonly #bug: PlantedBug;

  constructor(bug: PlantedBug) {
    this.#bug = bug;
  }

  addCeiling(id: number, postedNanoUsd: bigint, kind: 'account' | 'budget'): void {
    this.ceilings.set(id, { id, postedNanoUsd, leasedNanoUsd: 0n, overdraftNanoUsd: 0n });
    if (kind === 'budget') this.budgets.add(id);
    else this.#grant(id, postedNanoUsd);
  }

  #grant(accountId: number, amount: bigint): void {
    const half = amount / 2n;
    const parts = [half, amount - half];
    const list = parts.map((remainingNanoUsd, index): Grant => ({ id: accountId * 10 + index, remainingNanoUsd, priority: 1, expiresAtMs: null, createdAtMs: 0 }));
    this.grants.set(accountId, list);
    for (const grant of list) {
      this.transactions.push({
        kind: 'grant', requestId: null, accountId,
        postings: [
          { account: 'issuance', grantId: null, amountNanoUsd: -grant.remainingNanoUsd },
          { account: 'credit', grantId: grant.id, amountNanoUsd: grant.remainingNanoUsd },
        ],
      });
    }
  }

  /** As `ledger_admit` does it: in order what fits; the lease numbers are the engine's. */
  admit(engineId: number, asked: readonly { ceilingIds: readonly number[]; amountNanoUsd: bigint; leaseNumbers: readonly number[] }[]): boolean[] {
    return asked.map(({ ceilingIds, amountNanoUsd, leaseNumbers }) => {
      const fits = ceilingIds.every((id) => this.#available(id) >= amountNanoUsd);
      if (!fits && this.#bug !== 'forgets-refused-part') return false;
      ceilingIds.forEach((ceilingId, index) => {
        if (!fits && this.#available(ceilingId) < amountNanoUsd) return;
        const number = leaseNumbers[index] ?? 0;
        this.#ceiling(ceilingId).leasedNanoUsd += amountNanoUsd;
        this.leases.set(leaseKey(engineId, number), { engineId, number, ceilingId, amountNanoUsd, exact: true });
      });
      return fits || this.#bug === 'forgets-refused-part';
    });
  }

  /** One transaction: planned on copies, applied as a whole. */
  post(folds: readonly RequestFold[], settledBy: 'engine' | 'checkpoint'): void {
    const writes = planPostings(this.#view(folds), folds, settledBy);
    this.#apply(this.#bug === 'keeps-leases' ? { ...writes, leases: new Map() } : writes);
  }

  returnLeases(engineId: number): void {
    for (const [key, lease] of this.leases) {
      if (lease.engineId !== engineId) continue;
      this.#ceiling(lease.ceilingId).leasedNanoUsd -= lease.amountNanoUsd;
      this.leases.delete(key);
    }
  }

  #view(folds: readonly RequestFold[]): LedgerView {
    const copy = <T extends object>(values: Iterable<T>): T[] => [...values].map((value) => ({ ...value }));
    const known = this.#bug === 'posts-twice' ? [] : [...this.rows.values()].filter(({ requestId }) => folds.some((fold) => fold.admitted.requestId === requestId));
    return {
      ceilings: new Map(copy(this.ceilings.values()).map((ceiling) => [ceiling.id, ceiling])),
      leases: new Map(copy(this.leases.values()).map((lease) => [leaseKey(lease.engineId, lease.number), lease])),
      grants: new Map([...this.grants].map(([id, grants]) => [id, copy(grants)])),
      rows: new Map(copy(known).map((row) => [row.requestId, row])),
    };
  }

  #apply(writes: LedgerWrites): void {
    for (const [id, change] of writes.ceilings) {
      const ceiling = this.#ceiling(id);
      ceiling.postedNanoUsd += change.postedNanoUsd;
      ceiling.leasedNanoUsd += change.leasedNanoUsd;
    }
    for (const [key, lease] of writes.leases) {
      if (lease.amountNanoUsd === 0n) this.leases.delete(key);
      else this.leases.set(key, lease);
    }
    for (const row of writes.rows) this.#applyRow(row);
    for (const [id, grant] of writes.grants) this.#applyGrant(id, grant);
    for (const { kind, requestId, postings } of writes.transactions) {
      const accountId = writes.rows.find(({ admitted }) => admitted.requestId === requestId)?.admitted.parts.find((part) => part.kind === 'account')?.ceilingId ?? 0;
      this.transactions.push({ kind, requestId, accountId, postings });
    }
    for (const { requestId, ceilingId, amountNanoUsd } of writes.charges) {
      const key = `${requestId}/${ceilingId}`;
      this.charges.set(key, (this.charges.get(key) ?? 0n) + amountNanoUsd);
    }
  }

  #applyRow(row: LedgerWrites['rows'][number]): void {
    const { requestId } = row.admitted;
    const before = this.rows.get(requestId);
    this.rows.set(requestId, {
      requestId,
      state: row.state,
      settledBy: row.settledBy,
      checkpointSequence: row.checkpoint?.sequence ?? 0,
      attempts: row.ended?.attempts ?? row.forwarded?.number ?? 0,
      chargedNanoUsd: (before?.chargedNanoUsd ?? 0n) + row.capturedNanoUsd + row.overageNanoUsd,
    });
  }

  #applyGrant(id: number, { remainingNanoUsd }: Grant): void {
    if (this.#bug === 'burns-nothing') return;
    for (const list of this.grants.values()) {
      const grant = list.find((candidate) => candidate.id === id);
      if (grant !== undefined) grant.remainingNanoUsd = remainingNanoUsd;
    }
  }

  #available(id: number): bigint {
    const { postedNanoUsd, leasedNanoUsd } = this.#ceiling(id);
    return postedNanoUsd - leasedNanoUsd;
  }

  #ceiling(id: number): CeilingView {
    const ceiling = this.ceilings.get(id);
    if (ceiling === undefined) throw new Error(`no ceiling ${id}`);
    return ceiling;
  }
}
