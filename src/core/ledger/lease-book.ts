import { Demand, planLeases } from './lease-sizing.js';
import type { HoldPart } from './records.js';

/** A lease as its engine knows it. */
export interface Lease {
  number: number;
  ceilingId: number;
  /** As committed in the database, as far as this engine has been told. */
  amountNanoUsd: bigint;
  /** Carved by holds that have not been posted yet. */
  heldNanoUsd: bigint;
  /** Sized to exactly its holds: nothing more can be carved from it. */
  exact: boolean;
  /** Monotonic time after which nothing may be carved (a budget's period is over); Infinity for accounts. */
  validUntilMs: number;
}

/** What a hold needs of one ceiling. */
export interface Need {
  ceilingId: number;
  kind: HoldPart['kind'];
}

/** A lease to ask the database for. */
export interface LeaseWish {
  readonly ceilingId: number;
  readonly wantNanoUsd: bigint;
  /** Less would be of no use. */
  readonly atLeastNanoUsd: bigint;
}

/** A lease to be lowered to what its holds still need; 0 closes it. */
export interface LeaseReturn {
  readonly number: number;
  readonly keepNanoUsd: bigint;
}

interface Shelf {
  /** Replaced, never changed in place while leases are given back. */
  open: Lease[];
  readonly demand: Demand;
  /** No lease is taken before: credit is short. */
  strictUntilMs: number;
}

/**
 * The leases of one engine, and what is carved from them. Synchronous: between the look and the carving nothing can
 * happen. Σ holds ≤ lease at all times (invariant I03). A lease only ever shrinks, by postings, until it is given back: then it
 * is exact at once, whatever the database answers and when, and goes with its last hold.
 */
export class LeaseBook {
  readonly #leases = new Map<number, Lease>();
  readonly #shelves = new Map<number, Shelf>();
  /** Exact, with more in the database than their holds need. */
  readonly #returns = new Set<Lease>();

  open(lease: Lease): void {
    this.#leases.set(lease.number, lease);
    if (!lease.exact) this.#shelf(lease.ceilingId).open.push(lease);
  }

  /** Carves a hold from a lease on every ceiling it needs, or from none (null). */
  carve(needs: readonly Need[], amountNanoUsd: bigint, nowMs: number): HoldPart[] | null {
    if (amountNanoUsd === 0n) return needs.map(({ ceilingId, kind }) => ({ ceilingId, kind, leaseNumber: 0, amountNanoUsd }));
    const chosen: Lease[] = [];
    for (const { ceilingId } of needs) {
      const lease = this.#leaseFor(ceilingId, amountNanoUsd, nowMs);
      if (lease !== null) chosen.push(lease);
    }
    return chosen.length < needs.length ? null : partsFrom(chosen, needs, amountNanoUsd);
  }

  /** The database's word on a lease after a posting: its new amount; 0 closes it. Words must come in the order of their commits. */
  posted(number: number, amountNanoUsd: bigint): void {
    const lease = this.#leases.get(number);
    if (lease === undefined) return;
    lease.amountNanoUsd = amountNanoUsd;
    if (amountNanoUsd === 0n) this.#close(lease);
  }

  /** A hold's end, after the word on its lease: what it had carved can be carved again. */
  settle(part: HoldPart): void {
    const lease = this.#leases.get(part.leaseNumber);
    if (lease === undefined) return;
    lease.heldNanoUsd -= part.amountNanoUsd;
    if (lease.exact && lease.amountNanoUsd > lease.heldNanoUsd) this.#returns.add(lease);
  }

  /** Whether anything could be given back of a ceiling. */
  hasSpare(ceilingId: number): boolean {
    return (this.#shelves.get(ceilingId)?.open.length ?? 0) > 0;
  }

  /** No lease is taken until then. */
  pause(ceilingId: number, untilMs: number): void {
    const shelf = this.#shelf(ceilingId);
    shelf.strictUntilMs = Math.max(shelf.strictUntilMs, untilMs);
  }

  /** Credit is short: all that can be spared is given back. */
  giveUp(ceilingId: number): void {
    const shelf = this.#shelf(ceilingId);
    for (const lease of shelf.open) this.#retire(lease, shelf);
  }

  /** What to ask the database for now; what is to be given back is retired already (`listReturns`). */
  plan(nowMs: number, idleMs: number): LeaseWish[] {
    const wishes: LeaseWish[] = [];
    for (const [ceilingId, shelf] of this.#shelves) {
      for (const lease of shelf.open) if (lease.validUntilMs <= nowMs) this.#retire(lease, shelf);
      const idle = shelf.demand.isIdle(nowMs, idleMs);
      const spares = shelf.open.map(({ amountNanoUsd, heldNanoUsd }) => amountNanoUsd - heldNanoUsd);
      const mayGrow = shelf.strictUntilMs <= nowMs;
      const { takeNanoUsd, atLeastNanoUsd, giveBack } = planLeases({ spares, second: shelf.demand.second(nowMs), idle, mayGrow });
      const given = giveBack.map((position) => shelf.open[position]);
      for (const lease of given) if (lease !== undefined) this.#retire(lease, shelf);
      if (takeNanoUsd > 0n) wishes.push({ ceilingId, wantNanoUsd: takeNanoUsd, atLeastNanoUsd });
      if (idle && mayGrow && shelf.open.length === 0) this.#shelves.delete(ceilingId);
    }
    return wishes;
  }

  /** Leases whose return the database has not confirmed. Asking twice returns nothing twice. */
  listReturns(): LeaseReturn[] {
    return [...this.#returns].map(({ number, heldNanoUsd }) => ({ number, keepNanoUsd: heldNanoUsd }));
  }

  /** The database has taken a return; a lease without holds is closed. */
  returned({ number, keepNanoUsd }: LeaseReturn): void {
    const lease = this.#leases.get(number);
    if (lease === undefined || lease.heldNanoUsd !== keepNanoUsd) return;
    this.#returns.delete(lease);
    if (keepNanoUsd < lease.amountNanoUsd) lease.amountNanoUsd = keepNanoUsd;
    if (keepNanoUsd === 0n) this.#close(lease);
  }

  /** Everything is forgotten: the engine's leases were returned by a sweeper. */
  clear(): void {
    this.#leases.clear();
    this.#shelves.clear();
    this.#returns.clear();
  }

  numbers(): number[] {
    return [...this.#leases.keys()];
  }

  list(): Readonly<Lease>[] {
    return [...this.#leases.values()];
  }

  get(number: number): Lease | null {
    return this.#leases.get(number) ?? null;
  }

  #leaseFor(ceilingId: number, amountNanoUsd: bigint, nowMs: number): Lease | null {
    const { open, demand } = this.#shelf(ceilingId);
    demand.note(amountNanoUsd, nowMs);
    for (const lease of open) {
      if (lease.amountNanoUsd - lease.heldNanoUsd >= amountNanoUsd && lease.validUntilMs > nowMs) return lease;
    }
    return null;
  }

  #shelf(ceilingId: number): Shelf {
    let shelf = this.#shelves.get(ceilingId);
    if (shelf === undefined) {
      shelf = { open: [], demand: new Demand(), strictUntilMs: Number.NEGATIVE_INFINITY };
      this.#shelves.set(ceilingId, shelf);
    }
    return shelf;
  }

  #retire(lease: Lease, shelf: Shelf): void {
    shelf.open = shelf.open.filter((other) => other !== lease);
    lease.exact = true;
    this.#returns.add(lease);
  }

  #close(lease: Lease): void {
    this.#leases.delete(lease.number);
    this.#returns.delete(lease);
    const shelf = this.#shelves.get(lease.ceilingId);
    if (shelf !== undefined) shelf.open = shelf.open.filter((other) => other !== lease);
  }
}

/** Takes the amount from each lease, in the order of the needs. */
function partsFrom(leases: readonly Lease[], needs: readonly Need[], amountNanoUsd: bigint): HoldPart[] {
  const parts: HoldPart[] = [];
  for (let place = 0; place < leases.length; place += 1) {
    const [lease, { ceilingId, kind }] = [leases[place] as Lease, needs[place] as Need];
    lease.heldNanoUsd += amountNanoUsd;
    parts.push({ ceilingId, kind, leaseNumber: lease.number, amountNanoUsd });
  }
  return parts;
}

/** The fence: an engine carves only while the last heartbeat that was acknowledged had been sent less than `fenceMs` ago. */
export function mayCarve(lastAcknowledgedSentMs: number | null, nowMs: number, fenceMs: number): boolean {
  return lastAcknowledgedSentMs !== null && nowMs - lastAcknowledgedSentMs < fenceMs;
}
