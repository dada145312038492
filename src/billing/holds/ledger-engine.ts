import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Roster } from '../../core/collections/roster.js';
import { GatewayError } from '../../core/errors/gateway-error.js';
import {
  DEFAULT_POLICY,
  endByCheckpoint,
  Holds,
  LeaseBook,
  type Hold,
  type HoldRequest,
  type Lease,
  type LeaseView,
  type RequestFold,
  type RequestRecord,
} from '../../core/ledger/index.js';
import { MAX_AMOUNT_NANO_USD, type Price } from '../../core/pricing/index.js';
import { withinDeadline } from '../../core/time/within-deadline.js';
import type { Clock } from '../../platform/clock/index.js';
import type { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import type { TurnPlace } from '../../platform/turn/index.js';
import type { BillingSettings } from '../billing-settings.js';
import { Engine } from '../engine/engine.js';
import { ownIdentity } from '../engine/process-identity.js';
import { Journal, JournalUnavailableError, type Segment } from '../journal/journal.js';
import { Flusher, type PendingRequest } from '../posting/flusher.js';
import type { LedgerRepository } from '../posting/ledger.repository.js';
import { Admission } from './admission.js';
import { Ceilings } from './ceilings.js';
import { admittedRecord, Granting, type Granted } from './granting.js';
import { LeaseExchange } from './lease-exchange.js';
import { LeaseKeeper } from './lease-keeper.js';
import { LeaseNumbers } from './lease-numbers.js';
import { OpenHold, type HoldPort } from './open-hold.js';
import { admissionError, insufficient, unavailable } from './refusals.js';

/** What an operator must see; the Nest module binds it to metrics and the log. */
export interface LedgerObserver {
  onError(where: string, error: Error): void;
  /** The database refuses this request by itself: keep it for a person, raise the alarm. */
  onPoison(fold: RequestFold, error: Error): void;
  onBatch(count: number, durationMs: number): void;
}

export interface LedgerEngineParts {
  readonly database: Database;
  readonly repository: LedgerRepository;
  readonly clock: Clock;
  readonly settings: BillingSettings;
  readonly zone: string;
  readonly dataDirectory: string;
  /** When the journal writes the records of a turn of the event loop. */
  readonly turnEnd: TurnPlace;
  readonly observer: LedgerObserver;
}

/** This process's share of the ledger: it admits requests, keeps their journal, and posts what happened. */
export class LedgerEngine extends Holds {
  readonly #parts: LedgerEngineParts;
  readonly #engine: Engine;
  readonly #book = new LeaseBook();
  readonly #numbers = new LeaseNumbers();
  readonly #granting: Granting;
  readonly #flusher: Flusher;
  readonly #keeper: LeaseKeeper;
  readonly #exchange: LeaseExchange;
  readonly #open = new Roster<OpenHold>();
  readonly #port: HoldPort;
  #journal: Journal | null = null;
  #closing = false;

  constructor(parts: LedgerEngineParts) {
    super();
    const { database, clock, settings, observer } = parts;
    this.#parts = parts;
    this.#engine = new Engine(database, clock, settings, parts.zone);
    this.#flusher = new Flusher(parts.repository, clock, settings, {
      running: () => this.#open,
      onPosted: (requests, leases) => this.#posted(requests, leases),
      onPoison: (request, error) => this.#setAside(request, error),
      onBatch: (count, durationMs) => observer.onBatch(count, durationMs),
      onError: (error) => observer.onError('flusher', error),
    });
    this.#keeper = new LeaseKeeper({
      database, clock, settings, book: this.#book, numbers: this.#numbers,
      engineId: () => (this.#engine.mayCarve ? this.#engine.id : null), onError: (error) => observer.onError('leases', error),
    });
    this.#exchange = new LeaseExchange({
      database, settings, flusher: this.#flusher, book: this.#book, keeper: this.#keeper,
      engineId: () => this.#engine.id, onError: (error) => observer.onError('lease exchange', error),
    });
    this.#granting = this.#makeGranting();
    this.#port = {
      policy: DEFAULT_POLICY,
      journal: (record, price) => this.#write(record, price),
      changed: (request) => this.#flusher.touch(request),
      ended: (request) => this.#ended(request as OpenHold),
      monotonicMs: () => clock.monotonicMs(),
    };
  }

  get id(): number {
    return this.#engine.id;
  }

  /** This engine's journal directory; taken ones are moved below it. */
  get journalDirectory(): string {
    return this.#requireJournal().directory;
  }

  /** For readiness: behind the fence, or with a full journal, nothing is admitted. */
  get admits(): boolean {
    return !this.#closing && this.#engine.mayCarve && this.#journal?.acceptsAdmissions() === true;
  }

  /** What this engine has of every ceiling, as far as it has been told. */
  get leases(): readonly Readonly<Lease>[] {
    return this.#book.list();
  }

  /** For the gauges. */
  get figures(): { openCount: number; openNanoUsd: bigint; unpostedCount: number; lagMs: number; journalBytes: number } {
    let openNanoUsd = 0n;
    for (const hold of this.#open) openNanoUsd += hold.amountNanoUsd;
    return {
      openCount: this.#open.size,
      openNanoUsd,
      unpostedCount: this.#flusher.unpostedCount,
      lagMs: this.#flusher.lagMs,
      journalBytes: this.#journal?.sizeBytes ?? 0,
    };
  }

  async start(): Promise<void> {
    await this.#engine.start({
      knownLeases: () => ({ numbers: [...this.#book.numbers(), ...this.#numbers.inFlight()], last: this.#numbers.last }),
      onReplaced: (engineId) => this.#replaced(engineId),
      onError: (error) => this.#parts.observer.onError('heartbeat', error),
    });
    const directory = join(this.#parts.dataDirectory, 'journal', newId('engine'));
    mkdirSync(join(this.#parts.dataDirectory, 'journal'), { recursive: true, mode: 0o700 });
    const header = { type: 'engine' as const, engineId: this.#engine.id, ...ownIdentity() };
    this.#journal = new Journal(directory, header, this.#parts.settings, {
      turnEnd: this.#parts.turnEnd,
      openFolds: () => [...this.#open].map(({ fold }) => fold),
      lost: (error) => {
        this.#parts.observer.onError('journal', error);
        return unavailable('The ledger’s journal cannot be written.', error);
      },
    });
    await this.#exchange.start();
    this.#keeper.start();
  }

  /** Posts what ended, gives leases back, ends the engine's row. What still runs is left to the journal's next reader. */
  async stop(): Promise<void> {
    if (this.#closing || this.#journal === null) return;
    this.#closing = true;
    const flushed = await this.#flushWithin(this.#parts.settings.stopDeadlineMs);
    this.#flusher.stop();
    await Promise.all([this.#exchange.stop(), this.#keeper.stop()]);
    const clean = flushed && this.#open.size === 0;
    if (clean) await this.#returnAll().catch((error: unknown) => this.#parts.observer.onError('stop', error as Error));
    await this.#engine.stop(clean).catch((error: unknown) => this.#parts.observer.onError('stop', error as Error));
    this.#journal.close(clean);
  }

  /** Everything that has ended is in the database. */
  flush(): Promise<boolean> {
    return this.#flusher.flushNow();
  }

  override hold(request: HoldRequest): Hold | Promise<Hold> {
    this.#assertAdmits();
    if (request.amountNanoUsd > MAX_AMOUNT_NANO_USD) throw insufficient(request, 'account');
    const carved = this.#granting.carve(request);
    return carved === null ? this.#committed(request) : this.#opened(request, carved);
  }

  async #committed(request: HoldRequest): Promise<Hold> {
    const work = this.#granting.commit(request);
    const granted = await withinDeadline(work, this.#parts.settings.admissionDeadlineMs).catch((error: unknown) => {
      throw admissionError(error);
    });
    if (granted !== null) return this.#opened(request, granted);
    // Its request has been answered 503 already.
    work.then((late) => this.#release(new OpenHold(admittedRecord(request, late, this.#engine.id), this.#port)), () => undefined);
    throw unavailable('The ledger did not answer in time.', null);
  }

  override written(): Promise<void> | undefined {
    return this.#journal?.written();
  }

  #opened(request: HoldRequest, granted: Granted): Hold {
    const hold = new OpenHold(admittedRecord(request, granted, this.#engine.id), this.#port);
    this.#open.add(hold);
    try {
      this.#requireJournal().append(hold.fold.admitted);
      this.#flusher.touch(hold);
      return hold;
    } catch (error) {
      this.#release(hold);
      throw unavailable('The ledger’s journal cannot be written.', error);
    }
  }

  #makeGranting(): Granting {
    const { database, clock, settings } = this.#parts;
    const admission = new Admission(database, clock, settings, {
      numbers: this.#numbers,
      engineId: () => this.#engine.id,
      opened: (lease) => this.#book.open(lease),
      onNotLive: () => void this.#engine.beat(),
    });
    return new Granting({
      clock, settings, admission, engine: this.#engine, book: this.#book, ceilings: new Ceilings(database, clock), keeper: this.#keeper, exchange: this.#exchange,
    });
  }

  /** Ends a hold that no request will use: through the same way as every settlement, so that it happens once. */
  #release(hold: OpenHold): void {
    hold.fold.ended = endByCheckpoint(hold.fold, this.#engine.databaseNowMs());
    hold.endedAtMs = this.#parts.clock.monotonicMs();
    this.#open.delete(hold);
    this.#flusher.end(hold);
  }

  #write(record: RequestRecord, price: Price | null): Segment | null {
    try {
      const journal = this.#requireJournal();
      if (price !== null) {
        journal.notePrice(price);
        this.#flusher.notePrice(price);
      }
      return journal.append(record);
    } catch (error) {
      // The request runs and must end: its end is posted from memory; only a crash before that would lose it.
      this.#parts.observer.onError('journal', error as Error);
      return null;
    }
  }

  #ended(hold: OpenHold): void {
    this.#open.delete(hold);
    this.#flusher.end(hold);
  }

  #posted(requests: readonly PendingRequest[], leases: readonly LeaseView[]): void {
    for (const { number, engineId, amountNanoUsd } of leases) {
      if (engineId === this.#engine.id) this.#book.posted(number, amountNanoUsd);
    }
    for (const request of requests) {
      for (const part of request.fold.admitted.parts) this.#book.settle(part);
      if (request.segment !== null) this.#journal?.posted(request.segment);
    }
  }

  #setAside(request: PendingRequest, error: Error): void {
    this.#parts.observer.onPoison(request.fold, error);
    if (request.segment !== null) this.#journal?.posted(request.segment);
  }

  #replaced(engineId: number): void {
    this.#book.clear();
    for (const hold of this.#open) hold.moveTo(engineId);
    this.#journal?.renameEngine(engineId);
    this.#parts.observer.onError('heartbeat', new Error(`this engine was swept; it goes on as engine ${engineId}`));
  }

  #assertAdmits(): void {
    if (this.#closing) throw new GatewayError('server_shutdown', 'This server is shutting down; send the request again.', { retryAfterMs: 1_000 });
    if (!this.#engine.mayCarve) {
      void this.#engine.beat();
      throw unavailable('The ledger’s database has not answered for too long.', null);
    }
    if (!this.#requireJournal().acceptsAdmissions()) throw unavailable('The ledger’s journal is full or cannot be written.', null);
    if (this.#flusher.unpostedCount >= this.#parts.settings.unpostedMaxCount) throw unavailable('Too many settlements wait for the database.', null);
  }

  #requireJournal(): Journal {
    if (this.#journal === null) throw new JournalUnavailableError('the ledger has not been started');
    return this.#journal;
  }

  async #flushWithin(deadlineMs: number): Promise<boolean> {
    const until = this.#parts.clock.monotonicMs() + deadlineMs;
    while (!(await this.#flusher.flushNow())) {
      if (this.#parts.clock.monotonicMs() >= until) return false;
    }
    return true;
  }

  async #returnAll(): Promise<void> {
    await this.#parts.database.query('SELECT ledger_return_leases($1, ARRAY(SELECT number FROM ledger_leases WHERE engine_id = $1))', [this.#engine.id]);
  }
}
