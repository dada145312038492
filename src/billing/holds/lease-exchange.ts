import type { LeaseBook } from '../../core/ledger/index.js';
import type { Database } from '../../platform/database/index.js';
import type { BillingSettings } from '../billing-settings.js';
import type { Flusher } from '../posting/flusher.js';
import type { LeaseKeeper } from './lease-keeper.js';

const CHANNEL = 'og_ledger';

export interface LeaseExchangeParts {
  readonly database: Database;
  readonly settings: BillingSettings;
  readonly flusher: Flusher;
  readonly book: LeaseBook;
  readonly keeper: LeaseKeeper;
  engineId(): number;
  onError(error: Error): void;
}

/**
 * Before a 402: money that is on its way back. This engine's own unposted ends are posted at once and its own leases given back;
 * other engines that hold leases on the ceiling are asked to do the same (NOTIFY), and their answer is waited for.
 */
export class LeaseExchange {
  readonly #parts: LeaseExchangeParts;
  readonly #waiting = new Map<number, { promise: Promise<void>; done: () => void }>();
  #forget: (() => Promise<void>) | null = null;

  constructor(parts: LeaseExchangeParts) {
    this.#parts = parts;
  }

  async start(): Promise<void> {
    this.#forget = await this.#parts.database.listen(CHANNEL, (payload) => this.#heard(payload));
  }

  async stop(): Promise<void> {
    for (const { done } of this.#waiting.values()) done();
    await this.#forget?.().catch(() => undefined);
  }

  /** True when asking the database again may end differently; waits for what may help. */
  async mayHelp(ceilingId: number, elsewhere: boolean): Promise<boolean> {
    const own = this.#canFree(ceilingId);
    if (!own && !elsewhere) return false;
    await Promise.all([own ? this.#free(ceilingId) : null, elsewhere ? this.#askOthers(ceilingId) : null]);
    return true;
  }

  #canFree(ceilingId: number): boolean {
    return this.#parts.flusher.isWaitedFor(ceilingId) || this.#parts.book.hasSpare(ceilingId);
  }

  /** Retired first, so that what is posted then goes back whole; returned last, so that it is all that can be spared. */
  async #free(ceilingId: number): Promise<boolean> {
    const { flusher, keeper } = this.#parts;
    const given = keeper.yield(ceilingId);
    const posted = await flusher.flushNow();
    await given;
    await keeper.returnAll();
    return posted;
  }

  /** One question per ceiling at a time: those who are refused together wait together. */
  #askOthers(ceilingId: number): Promise<void> {
    const known = this.#waiting.get(ceilingId);
    if (known !== undefined) return known.promise;
    let done = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      const timer = setTimeout(() => done(), this.#parts.settings.askMs);
      done = () => {
        clearTimeout(timer);
        this.#waiting.delete(ceilingId);
        resolve();
      };
    });
    this.#waiting.set(ceilingId, { promise, done });
    this.#tell(`ask ${ceilingId} ${this.#parts.engineId()}`);
    return promise;
  }

  #heard(payload: string | null): void {
    const [word, ceiling, engine] = (payload ?? '').split(' ');
    const ceilingId = Number(ceiling);
    if (word === 'back') this.#waiting.get(ceilingId)?.done();
    if (word !== 'ask' || Number(engine) === this.#parts.engineId() || !this.#canFree(ceilingId)) return;
    void this.#free(ceilingId).then((posted) => (posted ? this.#tell(`back ${ceilingId}`) : undefined));
  }

  #tell(payload: string): void {
    this.#parts.database.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).catch((error: unknown) => this.#parts.onError(error as Error));
  }
}
