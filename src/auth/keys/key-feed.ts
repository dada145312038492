import { Logger } from '@nestjs/common';
import type { Database } from '../../platform/database/index.js';
import type { KeyDirectory } from './key-directory.js';

export const AUTH_CHANNEL = 'og_auth';
/** With the listener down a revocation is in force after one poll: well under the promised 5 s. */
const POLL_MS = 2_000;

/** Keeps a directory fresh: told by the database at each commit, and looking by itself every two seconds. */
export class KeyFeed {
  readonly #logger = new Logger('KeyFeed');
  #timer: NodeJS.Timeout | null = null;
  #stopListening: (() => Promise<void>) | null = null;
  #listening = false;
  #failing = false;
  #deaf = false;
  #stopped = false;

  constructor(
    private readonly database: Database,
    private readonly directory: KeyDirectory,
    private readonly pollMs = POLL_MS,
  ) {}

  /** Reads everything; rejects when the database cannot be asked. */
  async start(): Promise<void> {
    await this.#listen();
    await this.directory.reload();
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#stopListening?.().catch(() => undefined);
  }

  /** `reload` after rows were deleted, null after a lost connection: something may have been missed. */
  #heard(payload: string | null): void {
    const work = payload === 'changed' ? this.directory.refresh() : this.directory.reload();
    work.catch((error: unknown) => this.#noteFailure(error));
  }

  #schedule(): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(() => void this.#poll(), this.pollMs);
    this.#timer.unref();
  }

  async #poll(): Promise<void> {
    try {
      await this.directory.refresh();
      if (this.#failing) this.#logger.log('Keys are fresh again.');
      this.#failing = false;
      if (!this.#listening) await this.#listen();
    } catch (error) {
      this.#noteFailure(error);
    }
    this.#schedule();
  }

  async #listen(): Promise<void> {
    try {
      this.#stopListening = await this.database.listen(AUTH_CHANNEL, (payload) => this.#heard(payload));
      this.#listening = true;
    } catch (error) {
      if (!this.#deaf) this.#logger.warn(`The database cannot tell of changed keys, they are polled: ${(error as Error).message}`);
      this.#deaf = true;
    }
  }

  /** Once per outage: known keys go on working, changes wait. */
  #noteFailure(error: unknown): void {
    if (!this.#failing) this.#logger.warn(`Keys cannot be reread; those known go on working: ${(error as Error).message}`);
    this.#failing = true;
  }
}
