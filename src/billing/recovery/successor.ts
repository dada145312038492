import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { endByCheckpoint, type EngineRecord, type RequestFold } from '../../core/ledger/index.js';
import type { Price } from '../../core/pricing/index.js';
import type { Clock } from '../../platform/clock/index.js';
import type { Database } from '../../platform/database/index.js';
import type { BillingSettings } from '../billing-settings.js';
import { processState, type ProcessIdentity } from '../engine/process-identity.js';
import { readHeader, readJournal, segmentNames } from '../journal/journal-reader.js';
import type { LedgerRepository } from '../posting/ledger.repository.js';
import { isRefusal } from '../posting/refusal.js';
import { closeEngine } from './close-engine.js';

export interface SuccessorParts {
  readonly database: Database;
  readonly repository: LedgerRepository;
  readonly clock: Clock;
  readonly settings: BillingSettings;
  readonly observer: SuccessorObserver;
  /** Whether the process that wrote a journal is gone; by default as the system tells. */
  readonly stateOf?: (identity: ProcessIdentity & { engineId: number }) => 'gone' | 'alive' | 'unknown';
}

export interface SuccessorObserver {
  onTaken(directory: string, figures: { endedCount: number; unfinishedCount: number; damagedCount: number }): void;
  onSkipped(directory: string, reason: string): void;
  onPoison(fold: RequestFold, error: Error): void;
}

const TAKEN = 'taken-';
/** A directory without a readable first record may be one that is just being made. */
const MAKING_MS = 60_000;

/**
 * Takes over the journals of processes that are gone. Taking is one rename into the taker's own directory, so that one taker
 * wins, and a taker that dies is taken over together with what it had taken. Settling twice changes nothing.
 */
export class Successor {
  readonly #parts: SuccessorParts;
  #running: Promise<void> | null = null;

  constructor(parts: SuccessorParts) {
    this.#parts = parts;
  }

  /** @param ownDirectory the journal of the engine that takes over; its siblings are looked at. */
  run(ownDirectory: string): Promise<void> {
    this.#running ??= this.#run(ownDirectory).finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(ownDirectory: string): Promise<void> {
    const root = join(ownDirectory, '..');
    // Older engines first: their names begin with a time.
    for (const name of readdirSync(root).sort()) {
      const directory = join(root, name);
      if (name !== basename(ownDirectory) && (await this.#isGone(directory))) this.#take(directory, ownDirectory);
    }
    for (const name of takenNames(ownDirectory)) await this.#settle(join(ownDirectory, name));
  }

  /** Also true of an empty directory that is old: a process that died before its first record. */
  async #isGone(directory: string): Promise<boolean> {
    const header = headerOf(directory);
    if (header === null) return this.#isAbandoned(directory);
    const state = (this.#parts.stateOf ?? processState)(header);
    if (state === 'alive') return false;
    const { rows } = await this.#parts.database.query<{ state: string; stale: boolean }>(
      `SELECT state, heartbeat_at < clock_timestamp() - $3 * interval '1 millisecond' AS stale
       FROM ledger_engines WHERE id = $1 AND boot_id = $2 AND pid = $4`,
      [header.engineId, header.bootId, this.#parts.settings.deadAfterMs, header.pid],
    );
    const row = rows[0];
    if (row === undefined) {
      this.#parts.observer.onSkipped(directory, 'it belongs to another database');
      return false;
    }
    return state === 'gone' || row.state !== 'live' || row.stale;
  }

  #isAbandoned(directory: string): boolean {
    const age = statSync(directory, { throwIfNoEntry: false });
    return age !== undefined && age.isDirectory() && this.#parts.clock.nowMs() - age.mtimeMs > MAKING_MS;
  }

  #take(directory: string, ownDirectory: string): void {
    mkdirSync(ownDirectory, { recursive: true });
    try {
      renameSync(directory, join(ownDirectory, `${TAKEN}${basename(directory).replace(TAKEN, '')}`));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  }

  /** What it had taken itself comes first: older engines before younger ones. */
  async #settle(directory: string): Promise<void> {
    for (const name of takenNames(directory)) await this.#settle(join(directory, name));
    const journal = readJournal(directory);
    const ended = journal.folds.filter((fold) => fold.ended !== null);
    const unfinished = journal.folds.filter((fold) => fold.ended === null);
    await this.#postEnded(ended, [...journal.prices.values()]);
    for (const engineId of journal.engineIds) await this.#closeEngine(engineId, unfinished);
    const { damagedCount } = journal;
    this.#parts.observer.onTaken(directory, { endedCount: ended.length, unfinishedCount: unfinished.length, damagedCount });
    rmSync(directory, { recursive: true, force: true });
  }

  async #postEnded(folds: readonly RequestFold[], prices: readonly Price[]): Promise<void> {
    if (prices.length > 0) await this.#parts.repository.post([], 'engine', prices);
    for (let start = 0; start < folds.length; start += this.#parts.settings.flushMaxCount) {
      const batch = folds.slice(start, start + this.#parts.settings.flushMaxCount);
      await this.#postSafely(batch, (some) => this.#parts.repository.post(some, 'engine'));
    }
  }

  async #closeEngine(engineId: number, unfinished: readonly RequestFold[]): Promise<void> {
    const folds = unfinished
      .filter(({ admitted }) => admitted.engineId === engineId)
      .map((fold): RequestFold => ({ ...fold, ended: endByCheckpoint(fold, this.#parts.clock.nowMs()) }));
    try {
      await closeEngine(this.#parts.database, this.#parts.repository, { engineId, folds, state: 'ended' });
    } catch (error) {
      if (!isRefusal(error) || folds.length === 0) throw error;
      // One of them cannot be posted: the others must be, and the leases must go back all the same.
      await this.#postSafely(folds, (some) => this.#parts.repository.post(some, 'checkpoint'));
      await closeEngine(this.#parts.database, this.#parts.repository, { engineId, folds: [], state: 'ended' });
    }
  }

  async #postSafely(folds: readonly RequestFold[], post: (folds: readonly RequestFold[]) => Promise<unknown>): Promise<void> {
    try {
      await post(folds);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const [only] = folds;
      if (folds.length === 1 && only !== undefined) return this.#parts.observer.onPoison(only, error as Error);
      for (const fold of folds) await this.#postSafely([fold], post);
    }
  }
}

function takenNames(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory)
    .filter((name) => name.startsWith(TAKEN))
    .sort();
}

/** Null when there is nothing readable, or it was taken meanwhile. */
function headerOf(directory: string): EngineRecord | null {
  try {
    return segmentNames(directory).length === 0 ? null : readHeader(directory);
  } catch {
    return null;
  }
}
