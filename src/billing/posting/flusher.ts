import { mayChange, type LeaseView, type RequestFold } from '../../core/ledger/index.js';
import type { Price } from '../../core/pricing/index.js';
import type { Clock } from '../../platform/clock/index.js';
import { failpoint } from '../../platform/failpoint/index.js';
import type { BillingSettings } from '../billing-settings.js';
import type { Segment } from '../journal/journal.js';
import type { LedgerRepository } from './ledger.repository.js';
import { isRefusal } from './refusal.js';

/** A row that need not be written. */
export const NOTHING_DUE = Number.POSITIVE_INFINITY;

/** A request on its way into the database. */
export interface PendingRequest {
  readonly fold: RequestFold;
  /** Where its `ended` record stands; null until it has ended, or when the journal could not take it. */
  segment: Segment | null;
  /** Monotonic. */
  endedAtMs: number;
  /** Monotonic: when the row of a running request is to be written; `NOTHING_DUE` while the database has what there is. */
  rowDueMs: number;
}

export interface FlusherEvents {
  /** Requests that have not ended; none enters or leaves while they are gone through. */
  running(): Iterable<PendingRequest>;
  onPosted(requests: readonly PendingRequest[], leases: readonly LeaseView[]): void;
  /** A record that the database refuses by itself: set aside, with an alarm. */
  onPoison(request: PendingRequest, error: Error): void;
  onBatch(count: number, durationMs: number): void;
  onError(error: Error): void;
}

/** The one way of settlements into PostgreSQL: batches, in order, retried until the database takes them. */
export class Flusher {
  readonly #repository: LedgerRepository;
  readonly #clock: Clock;
  readonly #settings: BillingSettings;
  readonly #events: FlusherEvents;
  #ended: PendingRequest[] = [];
  /** Running requests whose row is to be written. */
  #rowsDueCount = 0;
  readonly #prices = new Map<string, Price>();
  readonly #storedPrices = new Set<string>();
  /** Ended and not yet posted, by ceiling: a refusal there must wait for them. */
  readonly #waiting = new Map<number, Waiting>();
  /** The ceiling that was looked for last: most ends in a row have the same. */
  #last: Waiting = NOBODY;
  #inFlightCount = 0;
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs = 0;
  #stopped = false;
  #draining: Promise<boolean> | null = null;

  constructor(repository: LedgerRepository, clock: Clock, settings: BillingSettings, events: FlusherEvents) {
    this.#repository = repository;
    this.#clock = clock;
    this.#settings = settings;
    this.#events = events;
  }

  /** Ended requests the database has not taken yet. */
  get unpostedCount(): number {
    return this.#ended.length + this.#inFlightCount;
  }

  /** Age of the oldest of them, in milliseconds. */
  get lagMs(): number {
    const oldest = this.#ended[0];
    return oldest === undefined ? 0 : Math.max(0, this.#clock.monotonicMs() - oldest.endedAtMs);
  }

  notePrice(price: Price): void {
    if (!this.#storedPrices.has(price.id)) this.#prices.set(price.id, price);
  }

  /** A running request: its row is written when it runs longer than a moment, and again when it changes. */
  touch(request: PendingRequest): void {
    // It is waited for already: whoever owes a row has set the timer, and every batch sets it again while one is owed.
    if (request.rowDueMs !== NOTHING_DUE) return;
    const nowMs = this.#clock.monotonicMs();
    this.#owe(request, nowMs + this.#settings.runningRowAfterMs);
    this.#schedule(this.#settings.runningRowAfterMs, nowMs);
  }

  end(request: PendingRequest): void {
    this.#forgive(request);
    this.#ended.push(request);
    this.#count(request, 1);
    this.#schedule(this.#ended.length >= this.#settings.flushMaxCount ? 0 : this.#settings.flushMs, request.endedAtMs);
  }

  /** Whether money of this ceiling is about to be free again. */
  isWaitedFor(ceilingId: number): boolean {
    return this.#waiting.has(ceilingId);
  }

  /** Posts all that has ended by now. False when the database does not take it now. */
  async flushNow(): Promise<boolean> {
    while (this.#ended.length + this.#inFlightCount > 0) {
      if (!(await this.#drain())) return false;
    }
    return true;
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  /** An earlier time wins; a later one never postpones, or steady traffic would postpone for ever. */
  #schedule(delayMs: number, nowMs = this.#clock.monotonicMs()): void {
    const dueMs = nowMs + delayMs;
    if (this.#stopped || (this.#timer !== null && this.#timerDueMs <= dueMs)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#drain();
    }, delayMs);
    // A stop flushes by itself; a process without anything else to do need not wait for this.
    this.#timer.unref();
  }

  #drain(): Promise<boolean> {
    this.#draining ??= this.#postBatch().finally(() => {
      this.#draining = null;
      if (this.#ended.length > 0) this.#schedule(this.#ended.length >= this.#settings.flushMaxCount ? 0 : this.#settings.flushMs);
      else if (this.#rowsDueCount > 0) this.#schedule(this.#settings.runningRowAfterMs);
    });
    return this.#draining;
  }

  async #postBatch(): Promise<boolean> {
    const batch = this.#take();
    const prices = [...this.#prices.values()];
    if (batch.length === 0 && prices.length === 0) return true;
    const startedMs = this.#clock.monotonicMs();
    try {
      await this.#post(batch, prices);
      this.#events.onBatch(batch.length, this.#clock.monotonicMs() - startedMs);
      return true;
    } catch (error) {
      this.#events.onError(error as Error);
      if (isRefusal(error)) return await this.#postOneByOne(batch);
      this.#putBack(batch);
      await new Promise((resolve) => setTimeout(resolve, this.#settings.flushRetryMs));
      return false;
    } finally {
      this.#inFlightCount = 0;
    }
  }

  #take(): PendingRequest[] {
    const batch = this.#ended.splice(0, this.#settings.flushMaxCount);
    this.#inFlightCount = batch.length;
    const nowMs = this.#clock.monotonicMs();
    if (this.#rowsDueCount === 0) return batch;
    for (const request of this.#events.running()) {
      if (batch.length >= this.#settings.flushMaxCount) break;
      if (request.rowDueMs > nowMs) continue;
      this.#forgive(request);
      batch.push(request);
    }
    return batch;
  }

  #owe(request: PendingRequest, dueMs: number): void {
    if (request.rowDueMs === NOTHING_DUE) this.#rowsDueCount += 1;
    request.rowDueMs = dueMs;
  }

  #forgive(request: PendingRequest): void {
    if (request.rowDueMs !== NOTHING_DUE) this.#rowsDueCount -= 1;
    request.rowDueMs = NOTHING_DUE;
  }

  async #post(batch: readonly PendingRequest[], prices: readonly Price[]): Promise<void> {
    // A request that ends while its running row is written must not change under the statement.
    const folds = batch.map(({ fold }): RequestFold => (fold.ended === null ? copyOf(fold) : fold));
    const leases = await this.#repository.post(folds, 'engine', prices);
    if (folds.some(({ ended }) => ended !== null)) failpoint('posted');
    for (const { id } of prices) this.#forgetPrice(id);
    const posted = batch.filter((_, index) => folds[index]?.ended !== null);
    for (const request of posted) this.#count(request, -1);
    this.#events.onPosted(posted, leases);
  }

  #forgetPrice(id: string): void {
    this.#prices.delete(id);
    this.#storedPrices.add(id);
  }

  async #postOneByOne(batch: readonly PendingRequest[]): Promise<boolean> {
    for (const [index, request] of batch.entries()) {
      const ended = request.fold.ended !== null;
      try {
        await this.#post([request], []);
      } catch (error) {
        if (!isRefusal(error)) {
          this.#putBack(batch.slice(index));
          return false;
        }
        if (ended) this.#count(request, -1);
        this.#events.onPoison(request, error as Error);
      }
    }
    return true;
  }

  #putBack(batch: readonly PendingRequest[]): void {
    const ended = batch.filter(({ fold }) => fold.ended !== null);
    // One that ended meanwhile is in the queue already.
    this.#ended = [...ended.filter((request) => !this.#ended.includes(request)), ...this.#ended];
    for (const request of batch) {
      if (request.fold.ended === null) this.#owe(request, this.#clock.monotonicMs());
    }
  }

  #count(request: PendingRequest, change: 1 | -1): void {
    const { ended, admitted } = request.fold;
    if (ended === null) return;
    for (const part of admitted.parts) if (mayChange(ended, part)) this.#wait(part.ceilingId, change);
  }

  #wait(ceilingId: number, change: 1 | -1): void {
    const waiting = this.#last.ceilingId === ceilingId ? this.#last : this.#waitingOn(ceilingId);
    waiting.count += change;
    this.#last = waiting;
    if (waiting.count > 0) return;
    this.#waiting.delete(ceilingId);
    this.#last = NOBODY;
  }

  #waitingOn(ceilingId: number): Waiting {
    let waiting = this.#waiting.get(ceilingId);
    if (waiting === undefined) this.#waiting.set(ceilingId, (waiting = { ceilingId, count: 0 }));
    return waiting;
  }
}

/** Written out: a spread copies by a slow path of V8, into another hidden class. */
function copyOf({ admitted, forwarded, checkpoint, ended }: RequestFold): RequestFold {
  return { admitted, forwarded, checkpoint, ended };
}

interface Waiting {
  readonly ceilingId: number;
  count: number;
}

/** No ceiling has this number. */
const NOBODY: Waiting = { ceilingId: -1, count: 0 };
