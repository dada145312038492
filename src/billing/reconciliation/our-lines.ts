import { invalidRequest } from '../../core/errors/gateway-error.js';
import { parsePrice } from '../../core/pricing/index.js';
import type { OurLine } from '../../core/reconciliation/index.js';
import type { Queryable } from '../../platform/database/index.js';
import { readUnits } from '../posting/request-rows.js';

export interface Period {
  readonly provider: string;
  readonly fromMs: number;
  readonly toMs: number;
}

const MAX_LINES = 300_000;

/** A provider that failed and was followed by another may be the one that the suspense is about, or may not: such rows keep it. */
const SUSPENSE = 'CASE WHEN r.attempts <= 1 THEN r.suspense ELSE 0 END';
const IN_PERIOD = 'r.provider = $1 AND r.admitted_at >= $2 AND r.admitted_at < $3 AND r.ended_at IS NOT NULL';

const BY_REQUEST = `
  SELECT r.request_id, coalesce(r.served_model, r.model) AS model, r.provider_cost, ${SUSPENSE} AS suspense, r.estimated, r.captured + r.overage AS charged, r.refunded, r.units, p.document
  FROM ledger_requests r LEFT JOIN ledger_prices p ON r.estimated AND p.id = r.price_id
  WHERE r.request_id IN (
    SELECT r.request_id FROM ledger_requests r WHERE ${IN_PERIOD} AND (r.provider_cost <> 0 OR ${SUSPENSE} <> 0 OR r.estimated)
    UNION SELECT unnest($4::text[])) AND r.ended_at IS NOT NULL
  ORDER BY r.request_id LIMIT ${MAX_LINES + 1}`;

/** Reports by day are in UTC at every provider whose report we know. */
const BY_DAY = `
  SELECT to_char(r.admitted_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, r.upstream_model AS model, sum(r.provider_cost)::text AS provider_cost
  FROM ledger_requests r WHERE ${IN_PERIOD} AND r.provider_cost <> 0 GROUP BY 1, 2 ORDER BY 1, 2 LIMIT ${MAX_LINES + 1}`;

interface RequestRow extends Record<string, unknown> {
  request_id: string;
  model: string;
  provider_cost: string;
  suspense: string;
  estimated: boolean;
  charged: string;
  refunded: string;
  units: Record<string, number> | null;
  document: unknown;
}

/** The provider's requests of the period, and those that its report names though they began outside of it. `known`: its ids → ours. */
export async function listByRequest(on: Queryable, period: Period, known: ReadonlyMap<string, string>): Promise<OurLine[]> {
  const references = new Map([...known].map(([reference, requestId]) => [requestId, reference]));
  const { rows } = await on.query<RequestRow>(BY_REQUEST, [...valuesOf(period), [...known.values()]]);
  refuseTooMany(rows.length);
  return rows.map((row) => ({
    reference: references.get(row.request_id) ?? row.request_id,
    model: row.model,
    requestId: row.request_id,
    costNanoUsd: BigInt(row.provider_cost),
    suspenseNanoUsd: BigInt(row.suspense),
    estimate: estimateOf(row),
  }));
}

export async function listByDay(on: Queryable, period: Period): Promise<OurLine[]> {
  const { rows } = await on.query<{ day: string; model: string; provider_cost: string }>(BY_DAY, valuesOf(period));
  refuseTooMany(rows.length);
  return rows.map(({ day, model, provider_cost }) => ({
    reference: `${day} ${model}`, model, requestId: null, costNanoUsd: BigInt(provider_cost), suspenseNanoUsd: 0n, estimate: null,
  }));
}

function estimateOf(row: RequestRow): OurLine['estimate'] {
  if (!row.estimated || row.document === null) return null;
  return { price: parsePrice(row.document, 'price'), units: readUnits(row.units), chargedNanoUsd: BigInt(row.charged), refundedNanoUsd: BigInt(row.refunded) };
}

function valuesOf({ provider, fromMs, toMs }: Period): unknown[] {
  return [provider, new Date(fromMs), new Date(toMs)];
}

function refuseTooMany(count: number): void {
  if (count > MAX_LINES) throw invalidRequest('to', `The ledger has more than ${MAX_LINES} requests of that provider in that time; reconcile a shorter one.`);
}
