/**
 * Every migration, in the order of the numbers that end their names (TypeORM sorts by them and wants 13 digits: a
 * millisecond time, e.g. `class BillingLedger1763715600000 implements MigrationInterface`, file
 * `1763715600000-billing-ledger.ts`). Hand-written SQL for PostgreSQL 15 and later; never edited once released.
 */
import type { MigrationInterface } from 'typeorm';
import { AuthKeys1763700000000 } from './1763700000000-auth-keys.js';
import { BillingLedgerTables1763716000000 } from './1763716000000-billing-ledger-tables.js';
import { BillingLedgerFunctions1763716000001 } from './1763716000001-billing-ledger-functions.js';
import { ProvidersConfiguration1763717000000 } from './1763717000000-providers-configuration.js';
import { AdminAuditLog1763718000000 } from './1763718000000-admin-audit-log.js';
import { LogsRequests1763719000000 } from './1763719000000-logs-requests.js';
import { BillingLedgerPosting1763716000002 } from './1763716000002-billing-ledger-posting.js';
import { BillingRedeemCodes1763721000000 } from './1763721000000-billing-redeem-codes.js';
import { ResponsesStored1763725000000 } from './1763725000000-responses-stored.js';
import { RoutesRecords1763820000000 } from './1763820000000-routes-records.js';
import { GatewayIdempotency1763722000000 } from './1763722000000-gateway-idempotency.js';
import { BillingLeases1763840000000 } from './1763840000000-billing-leases.js';
import { BillingUsage1763850000000 } from './1763850000000-billing-usage.js';
import { BillingReconciliation1763850000001 } from './1763850000001-billing-reconciliation.js';
import { Alerts1763850000002 } from './1763850000002-alerts.js';
import { BillingLateLoss1763840000001 } from './1763840000001-billing-late-loss.js';
import { BillingBalanceCheck1763840000002 } from './1763840000002-billing-balance-check.js';
import { LogsPlainDetail1763860000000 } from './1763860000000-logs-plain-detail.js';
import { LogsLeanRows1763870000000 } from './1763870000000-logs-lean-rows.js';
import { BillingEntryColumns1763870000001 } from './1763870000001-billing-entry-columns.js';
import { GrowingTablesStatistics1763870000002 } from './1763870000002-growing-tables-statistics.js';

type MigrationClass = new () => MigrationInterface;

export const migrations: readonly MigrationClass[] = [
  AuthKeys1763700000000,
  BillingLedgerTables1763716000000,
  BillingLedgerFunctions1763716000001,
  BillingLedgerPosting1763716000002,
  ProvidersConfiguration1763717000000,
  AdminAuditLog1763718000000,
  LogsRequests1763719000000,
  BillingRedeemCodes1763721000000,
  ResponsesStored1763725000000,
  GatewayIdempotency1763722000000,
  BillingLeases1763840000000,
  RoutesRecords1763820000000,
  BillingUsage1763850000000,
  BillingReconciliation1763850000001,
  Alerts1763850000002,
  BillingLateLoss1763840000001,
  BillingBalanceCheck1763840000002,
  LogsPlainDetail1763860000000,
  LogsLeanRows1763870000000,
  BillingEntryColumns1763870000001,
  GrowingTablesStatistics1763870000002,
];
