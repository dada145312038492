/** What the simulated database stores: the columns that the ledger's statements read, money as bigint. */
export interface StoredEngine {
  id: number;
  state: 'live' | 'ended' | 'swept';
  heartbeatMs: number;
  bootId: string;
  pid: number;
}

export interface StoredCeiling {
  id: number;
  kind: 'account' | 'budget';
  organizationId: string;
  key: string;
  endsAtMs: number;
  amount: bigint;
  posted: bigint;
  leased: bigint;
}

export interface StoredLease {
  engineId: number;
  number: number;
  ceilingId: number;
  amount: bigint;
  exact: boolean;
  openedAtMs: number;
}

export interface StoredGrant {
  id: number;
  ceilingId: number;
  amount: bigint;
  remaining: bigint;
  expired: bigint;
  priority: number;
  expiresAtMs: number | null;
  createdAtMs: number;
}

export type MoneyColumn = 'captured' | 'overage' | 'loss' | 'worth' | 'provider_cost' | 'suspense';

/** By the names of the columns. */
export type StoredRow = Record<string, unknown> &
  Record<MoneyColumn, bigint> & {
    request_id: string;
    engine_id: number;
    state: 'forwarded' | 'streaming' | 'completed' | 'failed' | 'canceled' | 'compensated';
    settled_by: string | null;
    hold: bigint;
    attempts: number;
    checkpoint_sequence: number;
  };

export const ACCOUNTS = ['credit', 'issuance', 'revenue', 'expired', 'provider_cost', 'suspense', 'loss', 'operator'] as const;

export type StoredTransaction = Record<(typeof ACCOUNTS)[number], bigint | null> & {
  kind: string;
  request_id: string;
  grant_id: number | null;
  split_grants: (number | null)[] | null;
  split_amounts: bigint[] | null;
};

/** Faults of the database that can be planted to see that the checks find them. */
export type DatabaseBug = 'posts-twice' | 'gives-back-holds' | 'forgets-budget' | 'burns-nothing' | null;

export class Refused extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

/** The tables, with a way back: a transaction that is rolled back undoes what it did, last first. */
export class Tables {
  readonly engines = new Map<number, StoredEngine>();
  readonly ceilings = new Map<number, StoredCeiling>();
  readonly leases = new Map<string, StoredLease>();
  readonly grants = new Map<number, StoredGrant>();
  readonly rows = new Map<string, StoredRow>();
  /** `request kind`, each at most once. */
  readonly settled = new Set<string>();
  readonly charges = new Map<string, bigint>();
  /** Σ entries of the operator's cost and of suspense, by request. */
  readonly costs = new Map<string, bigint>();
  /** Σ credit entries by organization, and Σ charges by budget: what `posted` must be. */
  readonly replayed = new Map<number, bigint>();
  transactionCount = 0;
  #undo: (() => void)[] = [];

  note(undo: () => void): void {
    this.#undo.push(undo);
  }

  commit(): void {
    this.#undo = [];
  }

  rollBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
  }

  put<Key, Value>(table: Map<Key, Value>, key: Key, value: Value): void {
    const before = table.get(key);
    table.set(key, value);
    this.note(() => (before === undefined ? table.delete(key) : table.set(key, before)));
  }

  drop<Key, Value>(table: Map<Key, Value>, key: Key): void {
    const before = table.get(key);
    if (before === undefined) return;
    table.delete(key);
    this.note(() => table.set(key, before));
  }

  once(key: string): void {
    if (this.settled.has(key)) throw new Refused('23505', `I06: ${key} is posted already`);
    this.settled.add(key);
    this.note(() => this.settled.delete(key));
  }

  ceiling(id: number): StoredCeiling {
    const found = this.ceilings.get(id);
    if (found === undefined) throw new Refused('OG002', `no ceiling ${id}`);
    return found;
  }

  change(id: number, posted: bigint, leased: bigint): void {
    const before = this.ceiling(id);
    const after = { ...before, posted: before.posted + posted, leased: before.leased + leased };
    if (after.posted < after.leased || after.leased < 0n) throw new Refused('23514', `I02: ceiling ${id} would be overspent: ${after.posted} less ${after.leased}`);
    this.put(this.ceilings, id, after);
  }

  replay(ceilingId: number, change: bigint): void {
    this.put(this.replayed, ceilingId, (this.replayed.get(ceilingId) ?? 0n) + change);
  }

  grantsOf(ceilingId: number): StoredGrant[] {
    return [...this.grants.values()].filter((grant) => grant.ceilingId === ceilingId && grant.remaining > 0n);
  }

  leasesOf(ceilingId: number): StoredLease[] {
    return [...this.leases.values()].filter((lease) => lease.ceilingId === ceilingId);
  }

  /** Expired and not yet taken: nothing of it may be leased. */
  available(id: number, nowMs: number): bigint {
    const { posted, leased } = this.ceiling(id);
    const free = posted - leased;
    let expired = 0n;
    for (const grant of this.grantsOf(id)) if (grant.expiresAtMs !== null && grant.expiresAtMs <= nowMs) expired += grant.remaining;
    return free - (expired < free ? expired : free);
  }
}

export function leaseKeyOf(engineId: number, number: number): string {
  return `${engineId}/${number}`;
}
