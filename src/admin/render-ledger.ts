import { renderRate, type AccountBalance, type GrantRecord, type LedgerEntry, type LedgerReport, type RefundRecord, type RequestMoney, type WrongCharge } from '../billing/index.js';
import { formatUsd, viewOfUsd, type ExchangeRate } from '../core/pricing/index.js';

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

/** Money leaves the admin API as decimal-string USD. */
export function renderAccount(account: AccountBalance, rate: ExchangeRate | null): Record<string, unknown> {
  return {
    organization_id: account.organizationId,
    balance_usd: formatUsd(account.balanceNanoUsd),
    held_usd: formatUsd(account.heldNanoUsd),
    available_usd: formatUsd(account.availableNanoUsd),
    leased_usd: formatUsd(account.leasedNanoUsd),
    ...(rate !== null && { view: { ...renderRate(rate), balance: viewOfUsd(account.balanceNanoUsd, rate), available: viewOfUsd(account.availableNanoUsd, rate) } }),
  };
}

export function renderGrant(grant: GrantRecord): Record<string, unknown> {
  return {
    id: String(grant.id),
    object: 'grant',
    organization_id: grant.organizationId,
    amount_usd: formatUsd(grant.amountNanoUsd),
    remaining_usd: formatUsd(grant.remainingNanoUsd),
    expired_usd: formatUsd(grant.expiredNanoUsd),
    priority: grant.priority,
    expires_at: isoOrNull(grant.expiresAtMs),
    reason: grant.reason,
    source: grant.source,
    created_at: new Date(grant.createdAtMs).toISOString(),
  };
}

export function renderRefund(refund: RefundRecord): Record<string, unknown> {
  return {
    id: String(refund.id),
    object: 'refund',
    request_id: refund.requestId,
    organization_id: refund.organizationId,
    amount_usd: formatUsd(refund.amountNanoUsd),
    refunded_usd: formatUsd(refund.refundedNanoUsd),
    charged_usd: formatUsd(refund.chargedNanoUsd),
  };
}

export function renderEntry(entry: LedgerEntry): Record<string, unknown> {
  return {
    transaction_id: String(entry.transactionId),
    kind: entry.kind,
    account: entry.account,
    grant_id: entry.grantId === null ? null : String(entry.grantId),
    amount_usd: formatUsd(entry.amountNanoUsd),
    created_at: new Date(entry.createdAtMs).toISOString(),
  };
}

export function renderVerification(report: LedgerReport): Record<string, unknown> {
  return {
    ok: report.ok,
    // A number as long as one can hold it exactly; drift is 0 in any ledger worth reading.
    drift_nano_usd: report.driftNanoUsd <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(report.driftNanoUsd) : report.driftNanoUsd.toString(),
    open_holds: report.openHoldCount,
    open_leases: report.openLeaseCount,
    held_usd: formatUsd(report.heldNanoUsd),
    transactions: report.transactionCount,
    entries: report.entryCount,
    requests: report.requestCount,
    live_engines: report.liveEngineCount,
    replay_hash: report.replayHash,
    recomputed: report.recomputedCount,
    invariants: report.invariants.map(({ id, means, ok, violationCount, examples }) => ({ id, means, ok, violations: violationCount, examples })),
  };
}

export function renderWrongCharge(charge: WrongCharge): Record<string, unknown> {
  return { request_id: charge.requestId, charged_usd: formatUsd(charge.worthNanoUsd), recomputed_usd: charge.recomputedNanoUsd < 0n ? null : formatUsd(charge.recomputedNanoUsd) };
}

/** State and money of record, over what the log says. */
export function renderRequestMoney(money: RequestMoney): Record<string, unknown> {
  return {
    state: money.state,
    hold_usd: formatUsd(money.holdNanoUsd),
    cost_usd: formatUsd(money.chargedNanoUsd),
    refunded_usd: formatUsd(money.refundedNanoUsd),
    loss_usd: formatUsd(money.lossNanoUsd),
    provider_cost_usd: formatUsd(money.providerCostNanoUsd),
    suspense_usd: formatUsd(money.suspenseNanoUsd),
    usage_estimated: money.estimated,
    price_id: money.priceId,
    states: {
      received_at: isoOrNull(money.receivedAtMs),
      admitted_at: isoOrNull(money.admittedAtMs),
      forwarded_at: isoOrNull(money.forwardedAtMs),
      first_token_at: isoOrNull(money.firstTokenAtMs),
      ended_at: isoOrNull(money.endedAtMs),
    },
  };
}
