import type { CorrectionResult, Reconciliation, StoredLine } from '../billing/index.js';
import { formatUsd } from '../core/pricing/index.js';

const orNull = (nanoUsd: bigint | null): string | null => (nanoUsd === null ? null : formatUsd(nanoUsd));

export function renderReconciliation(reconciliation: Reconciliation): Record<string, unknown> {
  return {
    id: reconciliation.id,
    object: 'reconciliation',
    provider: reconciliation.provider,
    from: new Date(reconciliation.fromMs).toISOString(),
    to: new Date(reconciliation.toMs).toISOString(),
    by: reconciliation.byRequest ? 'request' : 'day',
    created_at: new Date(reconciliation.createdAtMs).toISOString(),
    ...reconciliation.counts,
    ours_usd: formatUsd(reconciliation.oursNanoUsd),
    theirs_usd: formatUsd(reconciliation.theirsNanoUsd),
    proposed: { lines: reconciliation.openCount, cost_usd: formatUsd(reconciliation.openCostNanoUsd), refund_usd: formatUsd(reconciliation.openRefundNanoUsd) },
  };
}

export function renderReconciledLine(line: StoredLine): Record<string, unknown> {
  return {
    number: line.number,
    outcome: line.outcome,
    reference: line.reference,
    model: line.model,
    request_id: line.requestId,
    ours_usd: orNull(line.oursNanoUsd),
    theirs_usd: orNull(line.theirsNanoUsd),
    correction: { cost_usd: formatUsd(line.costNanoUsd), suspense_usd: formatUsd(line.suspenseNanoUsd), refund_usd: formatUsd(line.refundNanoUsd) },
    correction_id: line.correctionId === null ? null : String(line.correctionId),
    refund_id: line.refundId === null ? null : String(line.refundId),
  };
}

export function renderCorrections(result: CorrectionResult): Record<string, unknown> {
  return {
    object: 'corrections',
    reconciliation_id: result.reconciliationId,
    posted: result.postedCount,
    cost_usd: formatUsd(result.costNanoUsd),
    suspense_usd: formatUsd(result.suspenseNanoUsd),
    refunded_usd: formatUsd(result.refundedNanoUsd),
    remaining: result.remainingCount,
  };
}
