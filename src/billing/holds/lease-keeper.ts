import type { LeaseBook, LeaseWish } from '../../core/ledger/index.js';
import type { Clock } from '../../platform/clock/index.js';
import { isDatabaseUnavailable, type Database } from '../../platform/database/index.js';
import type { BillingSettings } from '../billing-settings.js';
import type { LeaseNumbers } from './lease-numbers.js';

export interface LeaseKeeperParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly settings: BillingSettings;
  readonly book: LeaseBook;
  readonly numbers: LeaseNumbers;
  /** Null while this engine may not carve. */
  engineId(): number | null;
  onError(error: Error): void;
}

interface TakenRow extends Record<string, unknown> {
  amounts: string[];
  left_ms: number[];
}

const TAKE = { name: 'ledger-take-leases', text: 'SELECT amounts, left_ms FROM ledger_take_leases($1, $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])' };
const GIVE_BACK = { name: 'ledger-give-back', text: 'SELECT ledger_give_back($1, $2::bigint[], $3::bigint[])' };
/** Wishes and returns of one statement. */
const BATCH_COUNT = 256;

/** Keeps this engine's leases as large as its traffic asks: beside the requests, never in their way. */
export class LeaseKeeper {
  readonly #parts: LeaseKeeperParts;
  #timer: NodeJS.Timeout | null = null;
  #taking: Promise<void> | null = null;
  #returning: Promise<void> | null = null;
  #soon = false;

  constructor(parts: LeaseKeeperParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#timer = setInterval(() => this.tend(), this.#parts.settings.leaseTendMs);
    this.#timer.unref();
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await Promise.all([this.#taking, this.#returning]);
  }

  /** No lease covered a hold: one is asked for when this turn of the loop is done, together with its neighbours' wishes. */
  missed(): void {
    if (this.#soon || this.#taking !== null || this.#timer === null) return;
    this.#soon = true;
    setImmediate(() => {
      this.#soon = false;
      this.tend();
    });
  }

  /** Takes what traffic asks and gives back what it does not. Never throws. */
  tend(): void {
    const { book, clock, settings } = this.#parts;
    const wishes = book.plan(clock.monotonicMs(), settings.leaseIdleMs);
    if (wishes.length > 0) this.#taking ??= this.#take(wishes.slice(0, BATCH_COUNT)).finally(() => (this.#taking = null));
    void this.returnAll();
  }

  /** Credit of this ceiling is short: gives back all that can be spared, and takes no lease on it for a while. */
  yield(ceilingId: number): Promise<void> {
    const { book, clock, settings } = this.#parts;
    book.pause(ceilingId, clock.monotonicMs() + settings.leaseShortMs);
    book.giveUp(ceilingId);
    return this.returnAll();
  }

  /** Everything retired by now is given back, or the database does not answer. */
  async returnAll(): Promise<void> {
    await this.#returning;
    this.#returning ??= this.#return().finally(() => (this.#returning = null));
    await this.#returning;
  }

  async #take(wishes: readonly LeaseWish[]): Promise<void> {
    const { database, clock, numbers, settings, book } = this.#parts;
    const engineId = this.#parts.engineId();
    if (engineId === null) return;
    const asked = [...wishes].sort((a, b) => a.ceilingId - b.ceilingId);
    const reserved = numbers.reserve(asked.length);
    const sentMs = clock.monotonicMs();
    try {
      const { rows } = await database.query<TakenRow>(TAKE, [
        engineId, asked.map(({ ceilingId }) => ceilingId), reserved, asked.map(({ wantNanoUsd }) => wantNanoUsd), asked.map(({ atLeastNanoUsd }) => atLeastNanoUsd),
      ]);
      // Swept meanwhile: what was opened is gone again.
      if (engineId !== this.#parts.engineId()) return;
      asked.forEach(({ ceilingId }, index) => {
        const amountNanoUsd = BigInt(rows[0]?.amounts[index] ?? '0');
        const validUntilMs = sentMs + (rows[0]?.left_ms[index] ?? 0);
        if (amountNanoUsd === 0n) book.pause(ceilingId, clock.monotonicMs() + settings.leasePoorMs);
        else book.open({ number: reserved[index] ?? 0, ceilingId, amountNanoUsd, heldNanoUsd: 0n, exact: false, validUntilMs });
      });
    } catch (error) {
      this.#failed(error as Error);
      for (const { ceilingId } of asked) book.pause(ceilingId, clock.monotonicMs() + settings.leasePoorMs);
    } finally {
      numbers.release(reserved);
    }
  }

  async #return(): Promise<void> {
    const { database, book } = this.#parts;
    const returns = book.listReturns();
    const engineId = this.#parts.engineId();
    if (engineId === null) return;
    try {
      for (let start = 0; start < returns.length; start += BATCH_COUNT) {
        const some = returns.slice(start, start + BATCH_COUNT);
        await database.query(GIVE_BACK, [engineId, some.map(({ number }) => number), some.map(({ keepNanoUsd }) => keepNanoUsd)]);
        for (const one of some) book.returned(one);
      }
    } catch (error) {
      this.#failed(error as Error);
    }
  }

  /** An outage is told by the heartbeat and the flusher, who try as often. */
  #failed(error: Error): void {
    if (!isDatabaseUnavailable(error)) this.#parts.onError(error);
  }
}
