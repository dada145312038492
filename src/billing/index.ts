export { Accounts, type AccountBalance, type BudgetBalance, type StrainedBudget } from './accounts/accounts.service.js';
export { Credits, type GrantRecord, type NewGrant } from './accounts/credits.service.js';
export { LedgerVerify, type InvariantResult, type LedgerReport } from './accounts/ledger-verify.service.js';
export { Recompute, type WrongCharge } from './accounts/recompute.service.js';
export { Refunds, type NewRefund, type RefundRecord } from './accounts/refunds.service.js';
export { LedgerRequests, type LedgerEntry, type RequestMoney } from './accounts/request-money.service.js';
export { ExchangeRates } from './rates/exchange-rates.service.js';
export { Corrections, type CorrectionResult } from './reconciliation/corrections.service.js';
export { Reconciliations, type Reconciliation, type StoredLine } from './reconciliation/reconciliations.service.js';
export { Statements, type Statement } from './statements/statements.service.js';
export { parseUsageWords, USAGE_GROUPS, type UsageGroup, type UsageWords } from './usage/usage-query.js';
export { renderRate, renderUsageReport } from './usage/render-usage.js';
export { UsageReports } from './usage/usage-reports.service.js';
export { BillingModule } from './billing.module.js';
export { BillingSettings } from './billing-settings.js';
export {
  MAX_CODE_COUNT,
  MAX_USES_COUNT,
  RedeemBatches,
  RedeemCodes,
  RedeemDeliveries,
  RedeemRevocations,
  type NewBatch,
  type RedeemBatch,
  type RedeemCodeState,
  type RedeemFunnel,
  type Redemption,
  type RedeemUse,
  type RevocationResult,
} from './redeem-codes/index.js';
