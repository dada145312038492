import { endByCheckpoint, type AdmittedRecord, type CheckpointRecord, type ForwardedRecord, type HoldPart, type RequestFold } from '../../core/ledger/index.js';
import type { Clock } from '../../platform/clock/index.js';
import type { Database } from '../../platform/database/index.js';
import type { BillingSettings } from '../billing-settings.js';
import type { LedgerRepository } from '../posting/ledger.repository.js';
import { readUsage } from '../posting/request-rows.js';
import { closeEngine } from './close-engine.js';

export interface SweeperParts {
  readonly database: Database;
  readonly repository: LedgerRepository;
  readonly clock: Clock;
  readonly settings: BillingSettings;
  readonly observer: SweeperObserver;
}

export interface SweeperObserver {
  onSwept(engineId: number, unfinishedCount: number): void;
  onError(error: Error): void;
}

interface Seen {
  heartbeatAt: string;
  /** Monotonic, of this process. */
  sinceMs: number;
}

interface UnfinishedRow extends Record<string, unknown> {
  request_id: string;
  organization_id: string;
  project_id: string;
  key_id: string;
  model: string;
  hold: string;
  expected_cost: string;
  attempts: number;
  provider: string | null;
  upstream_model: string | null;
  price_id: string | null;
  usage: Record<string, number> | null;
  parts: (Omit<HoldPart, 'amountNanoUsd'> & { amountNanoUsd: string })[] | null;
  checkpoint_sequence: number;
  checkpoint_charge: string | null;
  received_ms: number;
  admitted_ms: number;
  forwarded_ms: number | null;
}

/**
 * Settles engines that died with their journal. It trusts only what it has seen itself: a heartbeat that stood still for
 * `deadAfterMs` while the database was there the whole time, and that the database's clock calls stale, too.
 */
export class Sweeper {
  readonly #parts: SweeperParts;
  readonly #seen = new Map<number, Seen>();
  #running: Promise<number> | null = null;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
  }

  /** One look; returns how many engines were swept. Never throws. */
  run(ownEngineId: number | null): Promise<number> {
    this.#running ??= this.#run(ownEngineId)
      .catch((error: unknown) => {
        // Without the database nothing was seen: the watch begins anew.
        this.#seen.clear();
        this.#parts.observer.onError(error as Error);
        return 0;
      })
      .finally(() => (this.#running = null));
    return this.#running;
  }

  async #run(ownEngineId: number | null): Promise<number> {
    const { rows } = await this.#parts.database.query<{ id: string; heartbeat_at: string; stale: boolean }>(
      `SELECT id, heartbeat_at::text AS heartbeat_at, heartbeat_at < clock_timestamp() - $1 * interval '1 millisecond' AS stale
       FROM ledger_engines WHERE state = 'live' AND id <> $2`,
      [this.#parts.settings.deadAfterMs, ownEngineId ?? 0],
    );
    const live = new Set(rows.map(({ id }) => Number(id)));
    for (const id of this.#seen.keys()) if (!live.has(id)) this.#seen.delete(id);
    let sweptCount = 0;
    for (const { id, heartbeat_at: heartbeatAt, stale } of rows) {
      if (this.#stoodStill(Number(id), heartbeatAt) && stale && (await this.#sweep(Number(id), heartbeatAt))) sweptCount += 1;
    }
    return sweptCount + (await this.#sweepLeftovers());
  }

  /** Rows that an engine wrote after it had been swept, before it knew: if its process ends then, nobody else would look. */
  async #sweepLeftovers(): Promise<number> {
    const { rows } = await this.#parts.database.query<{ id: string }>(
      `SELECT DISTINCT e.id FROM ledger_requests r JOIN ledger_engines e ON e.id = r.engine_id
       WHERE r.state IN ('forwarded', 'streaming') AND e.state <> 'live'`,
    );
    let sweptCount = 0;
    for (const { id } of rows) if (await this.#sweep(Number(id))) sweptCount += 1;
    return sweptCount;
  }

  #stoodStill(engineId: number, heartbeatAt: string): boolean {
    const nowMs = this.#parts.clock.monotonicMs();
    const seen = this.#seen.get(engineId);
    if (seen?.heartbeatAt !== heartbeatAt) {
      this.#seen.set(engineId, { heartbeatAt, sinceMs: nowMs });
      return false;
    }
    return nowMs - seen.sinceMs >= this.#parts.settings.deadAfterMs;
  }

  async #sweep(engineId: number, heartbeatAt?: string): Promise<boolean> {
    const { rows } = await this.#parts.database.query<UnfinishedRow>(
      `SELECT *, extract(epoch FROM received_at)::float8 * 1000 AS received_ms, extract(epoch FROM admitted_at)::float8 * 1000 AS admitted_ms,
         extract(epoch FROM forwarded_at)::float8 * 1000 AS forwarded_ms
       FROM ledger_requests WHERE engine_id = $1 AND state IN ('forwarded', 'streaming')`,
      [engineId],
    );
    const folds = rows.map((row) => withEnd(foldOf(row, engineId), this.#parts.clock.nowMs()));
    const swept = await closeEngine(this.#parts.database, this.#parts.repository, { engineId, folds, state: 'swept', heartbeatAt });
    if (swept) this.#parts.observer.onSwept(engineId, folds.length);
    return swept;
  }
}

function withEnd(fold: RequestFold, endedAtMs: number): RequestFold {
  return { ...fold, ended: endByCheckpoint(fold, endedAtMs) };
}

function foldOf(row: UnfinishedRow, engineId: number): RequestFold {
  const requestId = row.request_id;
  const admitted: AdmittedRecord = {
    type: 'admitted', requestId, engineId, organizationId: row.organization_id, projectId: row.project_id, keyId: row.key_id, model: row.model,
    holdNanoUsd: BigInt(row.hold), expectedCostNanoUsd: BigInt(row.expected_cost),
    parts: (row.parts ?? []).map((part) => ({ ...part, amountNanoUsd: BigInt(part.amountNanoUsd) })),
    receivedAtMs: row.received_ms, admittedAtMs: row.admitted_ms,
  };
  const forwarded: ForwardedRecord | null = row.attempts === 0 ? null : {
    type: 'forwarded', requestId, number: row.attempts, provider: row.provider ?? '', upstreamModel: row.upstream_model ?? '', atMs: row.forwarded_ms ?? row.admitted_ms,
  };
  const checkpoint: CheckpointRecord | null = row.checkpoint_charge === null ? null : {
    type: 'checkpoint', requestId, sequence: row.checkpoint_sequence, usage: readUsage(row.usage), priceId: row.price_id ?? '',
    chargeNanoUsd: BigInt(row.checkpoint_charge), atMs: row.admitted_ms,
  };
  return { admitted, forwarded, checkpoint, ended: null };
}
