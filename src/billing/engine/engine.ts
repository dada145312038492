import { hostname } from 'node:os';
import { mayCarve } from '../../core/ledger/index.js';
import type { Clock } from '../../platform/clock/index.js';
import type { Database } from '../../platform/database/index.js';
import type { BillingSettings } from '../billing-settings.js';
import { ownIdentity } from './process-identity.js';

export interface EngineEvents {
  /** The leases this engine knows, and the last number it has used, for the heartbeat to return the others up to that. */
  knownLeases(): { readonly numbers: readonly number[]; readonly last: number };
  /** Its row was swept: it is a new engine now, without leases. */
  onReplaced(engineId: number): void;
  onError(error: Error): void;
}

const REGISTER = {
  name: 'ledger-engine-register',
  text: `INSERT INTO ledger_engines (boot_id, zone, host, pid) VALUES ($1, $2, $3, $4)
         RETURNING id, extract(epoch FROM clock_timestamp()) * 1000 AS now_ms`,
};
const HEARTBEAT = {
  name: 'ledger-engine-heartbeat',
  text: `UPDATE ledger_engines SET heartbeat_at = clock_timestamp() WHERE id = $1 AND state = 'live'
         RETURNING extract(epoch FROM clock_timestamp()) * 1000 AS now_ms`,
};
const RETURN_UNKNOWN = {
  name: 'ledger-engine-return-unknown',
  text: `SELECT ledger_return_leases($1, coalesce(array_agg(number), '{}')) AS freed FROM ledger_leases
         WHERE engine_id = $1 AND number <= $4 AND NOT number = ANY ($2) AND opened_at < clock_timestamp() - $3 * interval '1 millisecond'`,
};

/** This process as the ledger knows it: a row, a heartbeat, a fence, and the database's time. */
export class Engine {
  #id: number | null = null;
  #acknowledgedSentMs: number | null = null;
  #timer: NodeJS.Timeout | null = null;
  #beating: Promise<void> | null = null;
  /** Database time minus monotonic time, from the last answer. */
  #offsetMs: number;
  #events: EngineEvents = { knownLeases: () => ({ numbers: [], last: 0 }), onReplaced: () => undefined, onError: () => undefined };

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly settings: BillingSettings,
    private readonly zone: string,
  ) {
    this.#offsetMs = clock.nowMs() - clock.monotonicMs();
  }

  get id(): number {
    if (this.#id === null) throw new Error('the engine is not registered yet');
    return this.#id;
  }

  /** Registers a row and begins to beat. */
  async start(events: EngineEvents): Promise<void> {
    this.#events = events;
    await this.#register();
    this.#timer = setInterval(() => void this.beat(), this.settings.heartbeatMs);
    this.#timer.unref();
  }

  /** False behind the fence: a sweeper may be giving this engine's leases to others. */
  get mayCarve(): boolean {
    return mayCarve(this.#acknowledgedSentMs, this.clock.monotonicMs(), this.settings.fenceMs);
  }

  /** The database's time in whole milliseconds: grants and periods must not depend on this machine's clock. */
  databaseNowMs(monotonicMs = this.clock.monotonicMs()): number {
    return Math.round(monotonicMs + this.#offsetMs);
  }

  /** Another word from the database about its time, as it comes with an admission. */
  observeDatabaseTime(nowMs: number): void {
    this.#offsetMs = nowMs - this.clock.monotonicMs();
  }

  /** One heartbeat, shared by concurrent callers. Never throws. */
  beat(): Promise<void> {
    this.#beating ??= this.#beat()
      .catch((error: unknown) => this.#events.onError(error as Error))
      .finally(() => (this.#beating = null));
    return this.#beating;
  }

  /** No more heartbeats; the row is ended unless something of it is unfinished, which then is a sweeper's work. */
  async stop(clean: boolean): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    await this.#beating;
    this.#acknowledgedSentMs = null;
    if (!clean || this.#id === null) return;
    await this.database.query(
      `UPDATE ledger_engines SET state = 'ended', ended_at = now() WHERE id = $1 AND state = 'live'
       AND NOT EXISTS (SELECT 1 FROM ledger_leases WHERE engine_id = $1)
       AND NOT EXISTS (SELECT 1 FROM ledger_requests WHERE engine_id = $1 AND state IN ('forwarded', 'streaming'))`,
      [this.#id],
    );
  }

  async #register(): Promise<void> {
    const sentMs = this.clock.monotonicMs();
    const { bootId, pid } = ownIdentity();
    const { rows } = await this.database.query<{ id: string; now_ms: number }>(REGISTER, [bootId, this.zone, hostname(), pid]);
    const row = rows[0];
    if (row === undefined) throw new Error('an engine could not be registered');
    this.#id = Number(row.id);
    this.#acknowledge(sentMs, Number(row.now_ms));
  }

  async #beat(): Promise<void> {
    const sentMs = this.clock.monotonicMs();
    const { rows } = await this.database.query<{ now_ms: number }>(HEARTBEAT, [this.id]);
    const row = rows[0];
    if (row === undefined) {
      await this.#register();
      this.#events.onReplaced(this.id);
      return;
    }
    this.#acknowledge(sentMs, Number(row.now_ms));
    // A statement that is held up on its way must not return what was leased after it was sent.
    const known = this.#events.knownLeases();
    await this.database.query(RETURN_UNKNOWN, [this.id, known.numbers, this.settings.unknownLeaseAgeMs, known.last]);
  }

  #acknowledge(sentMs: number, databaseNowMs: number): void {
    this.#acknowledgedSentMs = sentMs;
    this.observeDatabaseTime(databaseNowMs);
  }
}
