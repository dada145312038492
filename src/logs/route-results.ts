import { Injectable } from '@nestjs/common';
import { formatUsd } from '../core/pricing/index.js';
import { Database } from '../platform/database/index.js';
import { idAt } from './list-query.js';

/** Received from (inclusive) and to (exclusive), in milliseconds since 1970. */
export interface ResultRange {
  fromMs: number;
  toMs: number;
}

interface ResultRow {
  name: string;
  requests: string;
  succeeded: string;
  canceled: string;
  fell_back: string;
  ttft_p50: number | null;
  ttft_p95: number | null;
  total_p50: number | null;
  total_p95: number | null;
  prompt_tokens: string;
  completion_tokens: string;
  cached_tokens: string;
  charged: string;
  cost: string;
}

const TIMEOUT_MS = 15_000;

const FIGURES = `count(*) AS requests,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY ttft_ms) AS ttft_p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY ttft_ms) AS ttft_p95,
  percentile_cont(0.5) WITHIN GROUP (ORDER BY total_ms) AS total_p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY total_ms) AS total_p95,
  sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens, sum(cached_tokens) AS cached_tokens`;

const ARMS = `SELECT arm AS name, ${FIGURES},
  count(*) FILTER (WHERE status < 400 AND state <> 'canceled') AS succeeded, count(*) FILTER (WHERE state = 'canceled') AS canceled,
  count(*) FILTER (WHERE attempt_count > 1) AS fell_back, sum(charged_nano_usd) AS charged, sum(provider_cost_nano_usd) AS cost
  FROM request_logs WHERE route = $1 AND arm IS NOT NULL AND request_id >= $2 AND request_id < $3 GROUP BY arm ORDER BY arm`;

const SHADOWS = `SELECT target AS name, ${FIGURES},
  count(*) FILTER (WHERE outcome = 'ok') AS succeeded, 0 AS canceled, 0 AS fell_back, 0 AS charged, sum(cost_nano_usd) AS cost
  FROM route_shadows WHERE route = $1 AND request_id >= $2 AND request_id < $3 GROUP BY target ORDER BY target`;

/** How the arms of a route's experiment did, by the arm that was drawn, whoever answered in the end; and its copies. */
@Injectable()
export class RouteResults {
  constructor(private readonly database: Database) {}

  async get(route: string, range: ResultRange): Promise<{ arms: Record<string, unknown>[]; shadows: Record<string, unknown>[] }> {
    const values = [route, idAt(range.fromMs, 'from'), idAt(range.toMs, 'to')];
    return this.database.transaction(
      async (transaction) => {
        const arms = await transaction.query<ResultRow>(ARMS, values);
        const shadows = await transaction.query<ResultRow>(SHADOWS, values);
        return { arms: arms.rows.map(renderRow), shadows: shadows.rows.map(renderRow) };
      },
      { statementTimeoutMs: TIMEOUT_MS },
    );
  }
}

function renderRow(row: ResultRow): Record<string, unknown> {
  const [requests, succeeded, canceled] = [Number(row.requests), Number(row.succeeded), Number(row.canceled)];
  const [prompt, cached] = [Number(row.prompt_tokens), Number(row.cached_tokens)];
  const round = (ms: number | null): number | null => (ms === null ? null : Math.round(ms));
  return {
    name: row.name,
    requests,
    succeeded,
    canceled,
    success_rate: ratio(succeeded, requests - canceled),
    fell_back: Number(row.fell_back),
    ttft_p50_ms: round(row.ttft_p50),
    ttft_p95_ms: round(row.ttft_p95),
    p50_ms: round(row.total_p50),
    p95_ms: round(row.total_p95),
    prompt_tokens: prompt,
    completion_tokens: Number(row.completion_tokens),
    cached_tokens: cached,
    cached_token_rate: ratio(cached, prompt),
    charged_usd: formatUsd(BigInt(row.charged)),
    provider_cost_usd: formatUsd(BigInt(row.cost)),
  };
}

/** Null where there is nothing to divide by. */
export function ratio(part: number, whole: number): number | null {
  return whole <= 0 ? null : Math.round((part / whole) * 10_000) / 10_000;
}
