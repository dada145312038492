export type { RedeemBatch, RedeemCodeState, RedeemFunnel, RedeemUse } from './batch-rows.js';
export { MAX_CODE_COUNT, MAX_USES_COUNT, RedeemBatches, type BatchPage, type NewBatch } from './batches.service.js';
export { RedeemDeliveries } from './delivery.service.js';
export { RedeemCodes, type RedeemAttempt, type Redemption } from './redeem-codes.service.js';
export { redeemProviders, redeemServices } from './redeem-providers.js';
export { RedeemRevocations, type Revocation, type RevocationResult } from './revocation.service.js';
