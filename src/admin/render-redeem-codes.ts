import type { RedeemBatch, RedeemCodeState, RedeemFunnel, RedeemUse, RevocationResult } from '../billing/index.js';
import { formatUsd } from '../core/pricing/index.js';

const isoOrNull = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());

export function renderBatch(batch: RedeemBatch): Record<string, unknown> {
  return {
    id: batch.id,
    object: 'redeem_code_batch',
    batch_id: batch.id,
    status: batch.status,
    count: batch.codeCount,
    generated: batch.generatedCount,
    progress: batch.generatedCount / batch.codeCount,
    uses: batch.useCount,
    amount_usd: formatUsd(batch.amountNanoUsd),
    max_uses: batch.maxUses,
    expires_at: isoOrNull(batch.expiresAtMs),
    credit_expires_at: isoOrNull(batch.creditExpiresAtMs),
    organization_ids: batch.organizationIds,
    note: batch.note,
    delivered_at: isoOrNull(batch.deliveredAtMs),
    deliver_until: isoOrNull(batch.deliverUntilMs),
    revoked_at: isoOrNull(batch.revokedAtMs),
    created_at: isoOrNull(batch.createdAtMs),
  };
}

export function renderFunnel(funnel: RedeemFunnel): Record<string, unknown> {
  return {
    redeemed_usd: formatUsd(funnel.redeemedNanoUsd),
    spent_usd: formatUsd(funnel.spentNanoUsd),
    remaining_usd: formatUsd(funnel.remainingNanoUsd),
    expired_usd: formatUsd(funnel.expiredNanoUsd),
  };
}

export function renderUse(use: RedeemUse): Record<string, unknown> {
  return {
    id: String(use.id),
    number: use.codeNumber,
    organization_id: use.organizationId,
    key_id: use.keyId,
    grant_id: String(use.grantId),
    remaining_usd: formatUsd(use.remainingNanoUsd),
    redeemed_at: isoOrNull(use.redeemedAtMs),
  };
}

export function renderRevocation(result: RevocationResult): Record<string, unknown> {
  return {
    batch_id: result.batchId,
    number: result.codeNumber,
    status: 'revoked',
    clawed_back_usd: formatUsd(result.clawedBackNanoUsd),
    pending_usd: formatUsd(result.pendingNanoUsd),
  };
}

/** Nothing of a code: its place in the batch tells which it is. No cell needs quoting or could be read as a formula. */
export function renderCodesCsv(batch: RedeemBatch, codes: readonly RedeemCodeState[]): string {
  const constant = [formatUsd(batch.amountNanoUsd), isoOrNull(batch.expiresAtMs) ?? '', isoOrNull(batch.creditExpiresAtMs) ?? ''];
  const lines = codes.map(({ number, status, useCount, maxUses, lastRedeemedAtMs }) =>
    [batch.id, number, status, useCount, maxUses, isoOrNull(lastRedeemedAtMs) ?? '', ...constant].join(','),
  );
  return ['batch_id,number,status,uses,max_uses,last_redeemed_at,amount_usd,expires_at,credit_expires_at', ...lines, ''].join('\r\n');
}
