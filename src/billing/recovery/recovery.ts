import type { BillingSettings } from '../billing-settings.js';
import type { LedgerEngine, LedgerObserver } from '../holds/ledger-engine.js';
import type { Successor } from './successor.js';
import type { Sweeper } from './sweeper.js';

export interface RecoveryParts {
  readonly engine: LedgerEngine;
  readonly successor: Successor;
  readonly sweeper: Sweeper;
  readonly settings: BillingSettings;
  readonly observer: LedgerObserver;
}

/** Begins and ends this process's engine, and looks after what dead ones left. */
export class Recovery {
  readonly #parts: RecoveryParts;
  #timer: NodeJS.Timeout | null = null;
  #started = false;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
  }

  get sweepMs(): number {
    return this.#parts.settings.sweepMs;
  }

  /** Registers the engine and settles the journals of processes that are gone, before anything is served. */
  async start(): Promise<void> {
    const { engine, successor } = this.#parts;
    await engine.start();
    this.#started = true;
    await successor.run(engine.journalDirectory);
    // Besides the job: an engine without a worker near it sweeps, too.
    this.#timer = setInterval(() => void this.sweep(), this.sweepMs);
    this.#timer.unref();
  }

  /** A journal that is here is worth more than the last checkpoint in the database: it is looked for first. */
  async sweep(): Promise<void> {
    const { engine, successor, sweeper, observer } = this.#parts;
    if (this.#started) {
      await successor.run(engine.journalDirectory).catch((error: unknown) => observer.onError('successor', error as Error));
    }
    await sweeper.run(this.#started ? engine.id : null);
  }

  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    if (this.#started) await this.#parts.engine.stop();
    this.#started = false;
  }
}
