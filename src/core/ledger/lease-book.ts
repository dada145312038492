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

/**
 * The leases of one engine, and what is carved from them. Synchronous: between the look and the carving nothing can
 * happen. Σ holds ≤ lease at all times (invariant I03).
 */
export class LeaseBook {
  readonly #leases = new Map<number, Lease>();
  readonly #spare = new Map<number, Lease[]>();

  open(lease: Lease): void {
    this.#leases.set(lease.number, lease);
    if (lease.exact) return;
    const list = this.#spare.get(lease.ceilingId) ?? [];
    list.push(lease);
    this.#spare.set(lease.ceilingId, list);
  }

  /** Carves a hold from a lease on every ceiling it needs, or from none (null). */
  carve(needs: readonly Need[], amountNanoUsd: bigint, nowMs: number): HoldPart[] | null {
    const chosen = needs.map((need) => (amountNanoUsd === 0n ? null : this.#leaseFor(need.ceilingId, amountNanoUsd, nowMs)));
    if (amountNanoUsd > 0n && chosen.includes(null)) return null;
    return needs.map((need, index) => {
      const lease = chosen[index] ?? null;
      if (lease !== null) lease.heldNanoUsd += amountNanoUsd;
      return { ceilingId: need.ceilingId, kind: need.kind, leaseNumber: lease?.number ?? 0, amountNanoUsd, exact: lease?.exact ?? true };
    });
  }

  /** The database's word on a lease after a posting: its new amount; 0 closes it. */
  posted(number: number, amountNanoUsd: bigint): void {
    const lease = this.#leases.get(number);
    if (lease === undefined) return;
    lease.amountNanoUsd = amountNanoUsd;
    if (amountNanoUsd === 0n) this.close(number);
  }

  /** A hold's end: what it had carved can be carved again once it is posted. */
  settle(part: HoldPart): void {
    const lease = this.#leases.get(part.leaseNumber);
    if (lease !== undefined) lease.heldNanoUsd -= part.amountNanoUsd;
  }

  close(number: number): void {
    const lease = this.#leases.get(number);
    if (lease === undefined) return;
    this.#leases.delete(number);
    const rest = (this.#spare.get(lease.ceilingId) ?? []).filter((other) => other !== lease);
    if (rest.length === 0) this.#spare.delete(lease.ceilingId);
    else this.#spare.set(lease.ceilingId, rest);
  }

  /** Everything is forgotten: the engine's leases were returned by a sweeper. */
  clear(): void {
    this.#leases.clear();
    this.#spare.clear();
  }

  numbers(): number[] {
    return [...this.#leases.keys()];
  }

  get(number: number): Lease | null {
    return this.#leases.get(number) ?? null;
  }

  #leaseFor(ceilingId: number, amountNanoUsd: bigint, nowMs: number): Lease | null {
    const fits = (lease: Lease): boolean => lease.validUntilMs > nowMs && lease.amountNanoUsd - lease.heldNanoUsd >= amountNanoUsd;
    return (this.#spare.get(ceilingId) ?? []).find(fits) ?? null;
  }
}

/** The fence: an engine carves only while the last heartbeat that was acknowledged had been sent less than `fenceMs` ago. */
export function mayCarve(lastAcknowledgedSentMs: number | null, nowMs: number, fenceMs: number): boolean {
  return lastAcknowledgedSentMs !== null && nowMs - lastAcknowledgedSentMs < fenceMs;
}
