import { Injectable } from '@nestjs/common';
import { Database } from '../platform/database/index.js';

/** What one copy of a request did. */
export interface ShadowRecord {
  /** Of the request it is a copy of. */
  requestId: string;
  atMs: number;
  route: string;
  target: string;
  model: string;
  provider: string;
  outcome: 'ok' | 'error';
  errorCode?: string;
  stream: boolean;
  ttftMs?: number;
  totalMs: number;
  promptTokens: number;
  completionTokens: number;
  cachedTokens: number;
  /** At the provider; nobody is charged it. */
  costNanoUsd: bigint;
}

/** What is set aside for a copy before it is sent. */
export interface ShadowReservation {
  route: string;
  /** `2026-11-30`, UTC. */
  day: string;
  nanoUsd: bigint;
}

/** The budget and the results of copied requests: no part of any account. */
@Injectable()
export class ShadowRecords {
  constructor(private readonly database: Database) {}

  /** One statement, so that all engines together never reserve more than the day's budget. Null when nothing is left of it. */
  async reserve(route: string, nanoUsd: bigint, of: { budgetNanoUsd: bigint; nowMs: number }): Promise<ShadowReservation | null> {
    if (nanoUsd > of.budgetNanoUsd) return null;
    const day = new Date(of.nowMs).toISOString().slice(0, 10);
    const { rowCount } = await this.database.query(
      `INSERT INTO route_shadow_spend AS spend (route, day, spent_nano_usd) VALUES ($1, $2, $3)
       ON CONFLICT (route, day) DO UPDATE SET spent_nano_usd = spend.spent_nano_usd + EXCLUDED.spent_nano_usd
       WHERE spend.spent_nano_usd + EXCLUDED.spent_nano_usd <= $4`,
      [route, day, nanoUsd.toString(), of.budgetNanoUsd.toString()],
    );
    return rowCount === 1 ? { route, day, nanoUsd } : null;
  }

  /** The result, and the reservation made what it really cost. A process that dies before leaves its reservation spent: never too much is sent. */
  async finish(reservation: ShadowReservation, record: ShadowRecord): Promise<void> {
    await this.database.query(
      `WITH corrected AS (UPDATE route_shadow_spend SET spent_nano_usd = greatest(0, spent_nano_usd + $3) WHERE route = $1 AND day = $2)
       INSERT INTO route_shadows (request_id, at, route, target, model, provider, outcome, error_code, stream, ttft_ms, total_ms,
         prompt_tokens, completion_tokens, cached_tokens, cost_nano_usd)
       VALUES ($4, $5, $1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT (request_id) DO NOTHING`,
      [
        reservation.route,
        reservation.day,
        (record.costNanoUsd - reservation.nanoUsd).toString(),
        record.requestId,
        new Date(record.atMs).toISOString(),
        record.target,
        record.model,
        record.provider,
        record.outcome,
        record.errorCode ?? null,
        record.stream,
        record.ttftMs ?? null,
        record.totalMs,
        record.promptTokens,
        record.completionTokens,
        record.cachedTokens,
        record.costNanoUsd.toString(),
      ],
    );
  }
}
