import { closeSync, readdirSync, readlinkSync } from 'node:fs';
import type { BillingSettings } from '../../../src/billing/billing-settings.js';
import { LedgerEngine } from '../../../src/billing/holds/ledger-engine.js';
import { LedgerRepository } from '../../../src/billing/posting/ledger.repository.js';
import { Recovery } from '../../../src/billing/recovery/recovery.js';
import { Successor } from '../../../src/billing/recovery/successor.js';
import { Sweeper } from '../../../src/billing/recovery/sweeper.js';
import { Clock } from '../../../src/platform/clock/index.js';
import { isDatabaseUnavailable } from '../../../src/platform/database/index.js';
import type { Connection } from './connection.js';
import type { Owner, World } from './world.js';

/** What a fault may make the ledger report. */
const EXPECTED = /was swept|is not live|journal cannot be written|journal is closed|no space left/;

/** A process's clocks run with the world's, from an origin of their own. */
class SkewedClock extends Clock {
  constructor(
    private readonly world: World,
    private readonly skewMs: number,
  ) {
    super();
  }

  override nowMs(): number {
    return Date.now() + this.skewMs;
  }

  override monotonicMs(): number {
    return this.world.nowMs + 5_000;
  }
}

export interface ProcessParts {
  readonly world: World;
  readonly connection: Connection;
  readonly settings: BillingSettings;
  readonly dataDirectory: string;
  readonly name: string;
  /** Engines of processes that are dead. */
  readonly deadEngines: ReadonlySet<number>;
  /** Something that no fault explains. */
  readonly onTrouble: (message: string) => void;
}

/** A gateway process as the ledger sees it: the real engine, journal, flusher, successor and sweeper, in the world's time. */
export class Process implements Owner {
  readonly name: string;
  readonly engine: LedgerEngine;
  readonly dataDirectory: string;
  /** Every identity its engine had. */
  readonly engineIds = new Set<number>();
  alive = true;
  frozenUntilMs = 0;
  journalFailsUntilMs = 0;
  ready = false;
  /** A record could not be written: what it said is known to this process alone. */
  lostRecords = false;
  readonly #parts: ProcessParts;
  readonly #recovery: Recovery;

  constructor(parts: ProcessParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.dataDirectory = parts.dataDirectory;
    const { settings, onTrouble } = parts;
    const { database } = parts.connection;
    const clock = new SkewedClock(parts.world, parts.world.between(-90_000, 90_000));
    const repository = new LedgerRepository(database);
    const observer = {
      onError: (where: string, error: Error) => {
        if (where === 'journal') this.lostRecords = true;
        if (!isDatabaseUnavailable(error) && !EXPECTED.test(error.message)) onTrouble(`${where}: ${error.message}`);
      },
      onPoison: (_fold: unknown, error: Error) => onTrouble(`refused by the database: ${error.message}`),
      onBatch: () => undefined,
    };
    this.engine = new LedgerEngine({ database, repository, clock, settings, zone: 'local', dataDirectory: parts.dataDirectory, turnEnd: (run) => setImmediate(run), observer });
    const successor = new Successor({
      database, repository, clock, settings,
      observer: { onTaken: () => undefined, onSkipped: () => undefined, onPoison: observer.onPoison },
      stateOf: ({ engineId }) => (parts.deadEngines.has(engineId) ? 'gone' : 'alive'),
    });
    const sweeper = new Sweeper({ database, repository, clock, settings, observer: { onSwept: () => undefined, onError: (error) => observer.onError('sweeper', error) } });
    this.#recovery = new Recovery({ engine: this.engine, successor, sweeper, settings, observer });
  }

  /** False when the database did not let it: its supervisor starts another one. */
  async start(): Promise<boolean> {
    try {
      await this.#recovery.start();
      this.ready = true;
    } catch (error) {
      if (!isDatabaseUnavailable(error)) this.#parts.onTrouble(`start: ${(error as Error).message}`);
    }
    return this.ready;
  }

  /** The journal of a process that has got as far as one. */
  get journalDirectory(): string | null {
    try {
      return this.engine.journalDirectory;
    } catch {
      return null;
    }
  }

  async stop(): Promise<void> {
    this.ready = false;
    await this.#recovery.stop();
  }

  /** A job may be delivered twice, or late, to any process. */
  sweep(): Promise<void> {
    return this.#recovery.sweep();
  }

  noteEngine(): void {
    if (this.journalDirectory !== null) this.engineIds.add(this.engine.id);
  }

  /** No more faults. */
  calm(): void {
    this.frozenUntilMs = 0;
    this.journalFailsUntilMs = 0;
    this.#parts.connection.calm();
  }

  /** Kill -9: nothing of it happens any more; what it had handed to the operating system stays. */
  kill(): void {
    this.alive = false;
    this.ready = false;
    this.#parts.connection.cut();
    if (this.journalDirectory !== null) closeFilesBelow(this.journalDirectory);
  }
}

/** The system closes a dead process's files; here it lives on in ours. Those of its living neighbours are in other directories. */
function closeFilesBelow(directory: string): void {
  for (const name of readdirSync('/proc/self/fd')) {
    try {
      if (readlinkSync(`/proc/self/fd/${name}`).startsWith(directory)) closeSync(Number(name));
    } catch {
      // It was the listing's own.
    }
  }
}
