import { Logger } from '@nestjs/common';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../platform/clock/index.js';
import { WINDOW_SHAPES, type Demand, type LimitSubject, type Outcome } from './limit-store.js';
import { MemoryLimitStore, type Booking, type SavedSubjects } from './memory-limit-store.js';

const SAVE_MS = 5_000;
const MAX_SUBJECTS = 20_000;
const FORMAT = 1;

/**
 * The windows of one process, kept in a file over a restart: a limit for any 24 hours would otherwise begin anew with each
 * deployment. Saved when the process ends and every 5 s while something is counted; a killed one forgets what came after.
 */
export class KeptLimitStore extends MemoryLimitStore {
  readonly #logger = new Logger('KeptLimitStore');
  readonly #path: string;
  readonly #wallClock: Clock;
  readonly #timer: NodeJS.Timeout;
  #isDirty = false;
  #saving: Promise<void> | null = null;

  constructor(path: string, clock: Clock, saveMs = SAVE_MS) {
    super(clock);
    this.#path = path;
    this.#wallClock = clock;
    this.#load();
    this.#timer = setInterval(() => void this.save(), saveMs);
    this.#timer.unref();
  }

  override admit(demand: Demand, engines = 1): Outcome {
    const outcome = super.admit(demand, engines);
    if (outcome.admitted) this.#isDirty = true;
    return outcome;
  }

  override book(subjects: readonly LimitSubject[], booking: Booking): number {
    this.#isDirty = true;
    return super.book(subjects, booking);
  }

  /** By itself every 5 s. Never rejects: limits work without it. */
  async save(): Promise<void> {
    if (!this.#isDirty || this.#saving !== null) return;
    this.#isDirty = false;
    this.#saving = this.#write().finally(() => (this.#saving = null));
    await this.#saving;
  }

  override close(): void {
    clearInterval(this.#timer);
    const temporary = `${this.#path}.closing`;
    try {
      writeFileSync(temporary, this.#text(), { mode: 0o600 });
      renameSync(temporary, this.#path);
    } catch (error) {
      this.#warn(error);
    }
  }

  async #write(): Promise<void> {
    const temporary = `${this.#path}.saving`;
    try {
      await writeFile(temporary, this.#text(), { mode: 0o600 });
      await rename(temporary, this.#path);
    } catch (error) {
      this.#warn(error);
    }
  }

  #text(): string {
    return JSON.stringify({ format: FORMAT, saved_at_ms: this.#wallClock.nowMs(), subjects: this.dump(MAX_SUBJECTS) });
  }

  #load(): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true });
      const file = JSON.parse(readFileSync(this.#path, 'utf8')) as { format?: unknown; saved_at_ms?: unknown; subjects?: unknown };
      if (file.format !== FORMAT || typeof file.saved_at_ms !== 'number' || !isSaved(file.subjects)) throw new Error('its contents are not ours');
      // A clock that was set back must not make amounts come from the future.
      this.restore(file.subjects, Math.max(0, this.#wallClock.nowMs() - file.saved_at_ms));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#warn(error);
    }
  }

  #warn(error: unknown): void {
    this.#logger.warn(`Limits are not kept over a restart: ${this.#path}: ${(error as Error).message}`);
  }
}

function isSaved(subjects: unknown): subjects is SavedSubjects {
  if (!isRecord(subjects)) return false;
  return Object.values(subjects).every((windows) => isRecord(windows) && WINDOW_SHAPES.every(({ limit }) => areSteps(windows[limit])));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areSteps(steps: unknown): boolean {
  if (steps === undefined) return true;
  const isStep = (step: unknown): boolean => Array.isArray(step) && step.length === 2 && step.every((part) => Number.isFinite(part) && part >= 0);
  return Array.isArray(steps) && steps.every(isStep);
}
