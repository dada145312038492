import type { Database } from '../../platform/database/index.js';
import type { BillingSettings } from '../billing-settings.js';
import type { Flusher } from '../posting/flusher.js';

const CHANNEL = 'og_ledger';

/**
 * Before a 402: money that is on its way back. This engine's own unposted ends are posted at once; other engines that hold
 * leases on the ceiling are asked to do the same (NOTIFY), and a moment is waited for their answer.
 */
export class LeaseExchange {
  readonly #waiting = new Map<number, { promise: Promise<void>; done: () => void }>();
  #engineId = 0;
  #forget: (() => Promise<void>) | null = null;

  constructor(
    private readonly database: Database,
    private readonly settings: BillingSettings,
    private readonly flusher: Flusher,
    private readonly onError: (error: Error) => void,
  ) {}

  async start(engineId: number): Promise<void> {
    this.#engineId = engineId;
    this.#forget = await this.database.listen(CHANNEL, (payload) => this.#heard(payload));
  }

  rename(engineId: number): void {
    this.#engineId = engineId;
  }

  async stop(): Promise<void> {
    for (const { done } of this.#waiting.values()) done();
    await this.#forget?.().catch(() => undefined);
  }

  /** True when asking the database again may end differently; waits for what may help. */
  async mayHelp(ceilingId: number, elsewhere: 'none' | 'exact' | 'idle'): Promise<boolean> {
    const own = this.flusher.isWaitedFor(ceilingId);
    if (!own && elsewhere === 'none') return false;
    await Promise.all([own ? this.flusher.flushNow() : null, elsewhere === 'none' ? null : this.#askOthers(ceilingId, elsewhere)]);
    return true;
  }

  /** One question per ceiling at a time: those who are refused together wait together. */
  #askOthers(ceilingId: number, elsewhere: 'exact' | 'idle'): Promise<void> {
    const known = this.#waiting.get(ceilingId);
    if (known !== undefined) return known.promise;
    let done = (): void => undefined;
    const promise = new Promise<void>((resolve) => {
      const timer = setTimeout(() => done(), elsewhere === 'idle' ? this.settings.askIdleMs : this.settings.askExactMs);
      done = () => {
        clearTimeout(timer);
        this.#waiting.delete(ceilingId);
        resolve();
      };
    });
    this.#waiting.set(ceilingId, { promise, done });
    this.#tell(`ask ${ceilingId} ${this.#engineId}`);
    return promise;
  }

  #heard(payload: string | null): void {
    const [word, ceiling, engine] = (payload ?? '').split(' ');
    const ceilingId = Number(ceiling);
    if (word === 'back') this.#waiting.get(ceilingId)?.done();
    if (word !== 'ask' || Number(engine) === this.#engineId || !this.flusher.isWaitedFor(ceilingId)) return;
    void this.flusher.flushNow().then((posted) => (posted ? this.#tell(`back ${ceilingId}`) : undefined));
  }

  #tell(payload: string): void {
    this.database.query('SELECT pg_notify($1, $2)', [CHANNEL, payload]).catch((error: unknown) => this.onError(error as Error));
  }
}
