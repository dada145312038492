import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 20;

/**
 * How a stop reaches running requests. `begun` fires at once (answers from then on carry `Connection: close`); `expired`
 * fires when the patience is over: what still runs must end now, in-band, with `server_shutdown`. An injectable class.
 */
export class Drain {
  readonly #begun = new AbortController();
  readonly #expired = new AbortController();
  #activeCount = 0;

  get begun(): AbortSignal {
    return this.#begun.signal;
  }

  get expired(): AbortSignal {
    return this.#expired.signal;
  }

  get activeCount(): number {
    return this.#activeCount;
  }

  /** One more piece of work that a stop waits for. */
  enter(): void {
    this.#activeCount += 1;
  }

  /** It has ended; once for each `enter`. */
  leave(): void {
    this.#activeCount -= 1;
  }

  /** Waits until nothing runs; after `patienceMs` tells what runs to end, and waits `graceMs` more. True when all ended. */
  async run(patienceMs: number, graceMs: number): Promise<boolean> {
    this.#begun.abort();
    if (await this.#idleWithin(patienceMs)) return true;
    this.#expired.abort();
    return this.#idleWithin(graceMs);
  }

  async #idleWithin(patienceMs: number): Promise<boolean> {
    const until = Date.now() + patienceMs;
    while (this.#activeCount > 0 && Date.now() < until) await sleep(POLL_MS);
    return this.#activeCount === 0;
  }
}
