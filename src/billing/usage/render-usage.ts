import { formatUsd, viewOfUsd, type ExchangeRate } from '../../core/pricing/index.js';
import type { UsageSums } from './usage-columns.js';
import type { UsageReport } from './usage-reports.service.js';

export interface UsageRendering {
  readonly timezone: string;
  readonly groupBy: readonly string[];
  /** Null: USD alone. */
  readonly rate: ExchangeRate | null;
  /** The operator sees what the provider took, a customer does not. */
  readonly withMargin: boolean;
}

/** A usage report in the API's words, for the customer and for the operator alike. */
export function renderUsageReport(report: UsageReport, rendering: UsageRendering): Record<string, unknown> {
  return {
    object: 'usage',
    from: new Date(report.fromMs).toISOString(),
    to: new Date(report.toMs).toISOString(),
    timezone: rendering.timezone,
    group_by: rendering.groupBy,
    ...(rendering.rate !== null && { view: renderRate(rendering.rate) }),
    data: report.rows.map(({ group, ...sums }) => ({ ...renderGroup(group), ...renderSums(sums, rendering) })),
    total: renderSums(report.total, rendering),
  };
}

/** Which rate amounts are shown at, and of when. */
export function renderRate(rate: ExchangeRate): Record<string, unknown> {
  return { currency: rate.currency, rate: formatUsd(rate.nanoPerUsd), effective_from: new Date(rate.effectiveFromMs).toISOString(), source: rate.source };
}

function renderGroup(group: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(group).map(([name, value]) => [name === 'key' || name === 'project' ? `${name}_id` : name, value]));
}

function renderSums(sums: UsageSums, { rate, withMargin }: UsageRendering): Record<string, unknown> {
  const net = sums.chargedNanoUsd - sums.refundedNanoUsd;
  return {
    requests: sums.requestCount,
    failed: sums.failedCount,
    canceled: sums.canceledCount,
    estimated: sums.estimatedCount,
    tokens: Object.fromEntries(Object.entries(sums.tokens).filter(([, count]) => count > 0)),
    cost_usd: formatUsd(sums.chargedNanoUsd),
    refunded_usd: formatUsd(sums.refundedNanoUsd),
    net_usd: formatUsd(net),
    ...(rate !== null && { net: viewOfUsd(net, rate) }),
    ...(withMargin && {
      provider_cost_usd: formatUsd(sums.providerCostNanoUsd),
      suspense_usd: formatUsd(sums.suspenseNanoUsd),
      loss_usd: formatUsd(sums.lossNanoUsd),
      margin_usd: formatUsd(net - sums.providerCostNanoUsd),
    }),
  };
}
