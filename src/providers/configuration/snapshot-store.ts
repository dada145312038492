import { SnapshotSource, type Snapshot } from '../../core/catalog/model.js';
import { pricesHoldUntilMs, repriced } from './reprice.js';

/**
 * Holds the snapshot in force: replaced as a whole, so a request that took it keeps one consistent view. Prices with dates or
 * windows change by themselves, by the database's clock as it was last seen: a wrong clock here must not decide money.
 */
export class SnapshotStore extends SnapshotSource {
  #snapshot: Snapshot;
  #pricesUntilMs: number;
  /** The database's clock less ours. */
  #clockOffsetMs = 0;

  constructor(
    first: Snapshot,
    private readonly clockMs: () => number = Date.now,
  ) {
    super();
    const { nowMs } = this;
    this.#snapshot = repriced(first, nowMs);
    this.#pricesUntilMs = pricesHoldUntilMs(first, nowMs);
  }

  get nowMs(): number {
    return this.clockMs() + this.#clockOffsetMs;
  }

  override current(): Snapshot {
    // Most installations have no such price and never look at the clock.
    if (this.#pricesUntilMs !== Number.POSITIVE_INFINITY && this.nowMs >= this.#pricesUntilMs) this.swap(this.#snapshot);
    return this.#snapshot;
  }

  swap(snapshot: Snapshot): void {
    const { nowMs } = this;
    this.#snapshot = Object.freeze(repriced(snapshot, nowMs));
    this.#pricesUntilMs = pricesHoldUntilMs(this.#snapshot, nowMs);
  }

  /** Told with every poll of the database. A jump of its clock is followed at once, in either direction. */
  alignClock(databaseMs: number): void {
    const offsetMs = databaseMs - this.clockMs();
    const jumped = Math.abs(offsetMs - this.#clockOffsetMs) > 1_000;
    this.#clockOffsetMs = offsetMs;
    if (jumped) this.swap(this.#snapshot);
  }
}
