import { Injectable, Optional } from '@nestjs/common';
import { totalFor, parsePrice, type Price } from '../../core/pricing/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import type { JobContext } from '../../platform/queue/index.js';
import { BillingMetrics } from '../billing-metrics.js';
import { readUnits, readUsage } from '../posting/request-rows.js';

/** A charge that its own usage and price version do not give. */
export interface WrongCharge {
  readonly requestId: string;
  readonly worthNanoUsd: bigint;
  readonly recomputedNanoUsd: bigint;
}

export interface RecomputedPage {
  readonly checkedCount: number;
  readonly wrong: readonly WrongCharge[];
  /** The last request of the page; null after the last page. */
  readonly next: string | null;
}

interface PricedRow extends Record<string, unknown> {
  request_id: string;
  worth: string;
  price_id: string;
  usage: Record<string, number> | null;
  units: Record<string, number> | null;
}

const PAGE_COUNT = 5_000;
const MAX_WRONG = 1_000;
/** Versions of prices kept parsed during a walk. */
const MAX_PRICES = 10_000;
const STATEMENT_TIMEOUT_MS = 60_000;
const COLUMNS = 'r.request_id, r.worth, r.price_id, r.usage, r.units';
/** What was released has neither usage nor worth. */
const CHARGED = "r.settled_at IS NOT NULL AND r.price_id IS NOT NULL AND (r.worth > 0 OR r.usage <> '{}')";

/** Every historic charge computed again from its stored usage and price version (invariant I12). */
@Injectable()
export class Recompute {
  constructor(
    private readonly database: Database,
    @Optional() private readonly metrics?: BillingMetrics,
  ) {}

  /** The next 5,000 charges after a request, in order of id. */
  async page(after: string | null, prices = new Map<string, Price>()): Promise<RecomputedPage> {
    return this.database.transaction(
      async (snapshot) => {
        const { rows } = await snapshot.query<PricedRow>(`SELECT ${COLUMNS} FROM ledger_requests r WHERE r.request_id > $1 AND ${CHARGED} ORDER BY r.request_id LIMIT ${PAGE_COUNT}`, [after ?? '']);
        return { checkedCount: rows.length, wrong: await wrongAmong(snapshot, rows, prices), next: rows.length < PAGE_COUNT ? null : (rows.at(-1)?.request_id ?? null) };
      },
      { readOnly: true, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
    );
  }

  /** All of them, in a worker, once a day. */
  async run(context: Pick<JobContext, 'signal'>): Promise<{ checkedCount: number; wrong: WrongCharge[] }> {
    const prices = new Map<string, Price>();
    const wrong: WrongCharge[] = [];
    let checkedCount = 0;
    for (let after: string | null = ''; after !== null && !context.signal.aborted; ) {
      const page: RecomputedPage = await this.page(after, prices);
      checkedCount += page.checkedCount;
      if (wrong.length < MAX_WRONG) wrong.push(...page.wrong);
      after = page.next;
    }
    this.metrics?.recomputed(checkedCount, wrong.length);
    return { checkedCount, wrong };
  }
}

/** The latest charges, for a verification that must not take long. */
export async function recomputeLatest(snapshot: Queryable, limit: number): Promise<{ checkedCount: number; wrong: WrongCharge[] }> {
  const { rows } = await snapshot.query<PricedRow>(`SELECT ${COLUMNS} FROM ledger_requests r WHERE ${CHARGED} ORDER BY r.request_id DESC LIMIT $1`, [limit]);
  return { checkedCount: rows.length, wrong: await wrongAmong(snapshot, rows, new Map()) };
}

async function wrongAmong(snapshot: Queryable, rows: readonly PricedRow[], prices: Map<string, Price>): Promise<WrongCharge[]> {
  await loadPrices(snapshot, rows, prices);
  return rows.flatMap((row) => {
    const price = prices.get(row.price_id);
    const recomputed = price === undefined ? -1n : totalFor(readUsage(row.usage), price, readUnits(row.units));
    return recomputed === BigInt(row.worth) ? [] : [{ requestId: row.request_id, worthNanoUsd: BigInt(row.worth), recomputedNanoUsd: recomputed }];
  });
}

async function loadPrices(snapshot: Queryable, rows: readonly PricedRow[], prices: Map<string, Price>): Promise<void> {
  if (prices.size + rows.length > MAX_PRICES) prices.clear();
  const wanted = [...new Set(rows.map((row) => row.price_id))].filter((id) => !prices.has(id));
  const { rows: found } = await snapshot.query<{ id: string; document: unknown }>('SELECT id, document FROM ledger_prices WHERE id = ANY ($1::text[])', [wanted]);
  for (const { id, document } of found) prices.set(id, parsePrice(document, 'price'));
}
