/** Sums of one group of requests, by their column in `usage_hours` and as the ledger's rows give them. Token classes as in price documents. */
const TOKEN_COLUMNS = ['input', 'cache_read', 'cache_write', 'cache_write_1h', 'output', 'reasoning', 'audio_in', 'audio_out', 'image'] as const;

const SUMS: readonly (readonly [name: string, ofRequests: string])[] = [
  ['requests', 'count(*)'],
  ['failed', "count(*) FILTER (WHERE state = 'failed')"],
  ['canceled', "count(*) FILTER (WHERE state = 'canceled')"],
  ['estimated', 'count(*) FILTER (WHERE r.estimated)'],
  ...TOKEN_COLUMNS.map((name) => [name, `coalesce(sum((usage->>'${name}')::numeric), 0)`] as const),
  ['charged', 'coalesce(sum(captured + overage), 0)'],
  ['refunded', 'coalesce(sum(r.refunded), 0)'],
  ['loss', 'coalesce(sum(r.loss), 0)'],
  ['provider_cost', 'coalesce(sum(r.provider_cost), 0)'],
  ['suspense', 'coalesce(sum(r.suspense), 0)'],
];

export const SUM_NAMES = SUMS.map(([name]) => name);
/** Of rows of `ledger_requests r`. */
export const SUMS_OF_REQUESTS = SUMS.map(([name, text]) => `${text} AS ${name}`).join(', ');

/** What a group's sums say. Money in nano-USD. */
export interface UsageSums {
  readonly requestCount: number;
  readonly failedCount: number;
  readonly canceledCount: number;
  /** Charged by our own estimate. */
  readonly estimatedCount: number;
  /** By the names of price documents; classes without tokens are 0. */
  readonly tokens: Readonly<Record<(typeof TOKEN_COLUMNS)[number], number>>;
  readonly chargedNanoUsd: bigint;
  readonly refundedNanoUsd: bigint;
  readonly lossNanoUsd: bigint;
  readonly providerCostNanoUsd: bigint;
  readonly suspenseNanoUsd: bigint;
}

export function sumsOf(row: Readonly<Record<string, unknown>>): UsageSums {
  const text = (name: string): string => (typeof row[name] === 'string' ? row[name] : '0');
  return {
    requestCount: Number(text('requests')),
    failedCount: Number(text('failed')),
    canceledCount: Number(text('canceled')),
    estimatedCount: Number(text('estimated')),
    tokens: Object.fromEntries(TOKEN_COLUMNS.map((name) => [name, Number(text(name))])) as UsageSums['tokens'],
    chargedNanoUsd: BigInt(text('charged')),
    refundedNanoUsd: BigInt(text('refunded')),
    lossNanoUsd: BigInt(text('loss')),
    providerCostNanoUsd: BigInt(text('provider_cost')),
    suspenseNanoUsd: BigInt(text('suspense')),
  };
}
