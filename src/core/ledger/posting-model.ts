import type { Grant } from './grants.js';
import type { AdmittedRecord, CheckpointRecord, EndedRecord, ForwardedRecord } from './records.js';
import type { StoredState } from './states.js';

/**
 * Accounts of the double entry; a posting moves money from where it is negative to where it is positive.
 * `credit`: a customer's money, by grant · `revenue`: what was captured · `issuance`: where grants come from ·
 * `expired`: what grants lost at expiry · `provider_cost`, `suspense`, `loss`: what the operator bears (known, expected,
 * and delivered without being paid), against `operator`, the operator's own pocket.
 */
export type AccountKind = 'credit' | 'revenue' | 'issuance' | 'expired' | 'provider_cost' | 'suspense' | 'loss' | 'operator';

export interface Posting {
  account: AccountKind;
  /** Only for `credit`; null there means the overdraft. */
  grantId: number | null;
  amountNanoUsd: bigint;
}

export type TransactionKind = 'grant' | 'capture' | 'overage' | 'late' | 'cost' | 'refund' | 'expiry' | 'correction';

export interface CeilingView {
  id: number;
  postedNanoUsd: bigint;
  leasedNanoUsd: bigint;
  /** How far below zero posted − leased may go. */
  overdraftNanoUsd: bigint;
}

export interface LeaseView {
  engineId: number;
  number: number;
  ceilingId: number;
  amountNanoUsd: bigint;
  /** Exactly its holds: what a hold does not capture is free again at once instead of staying with the engine. */
  exact: boolean;
}

/** Who settled a row: `engine` by the request's own end, `checkpoint` for a dead engine, `late` after that. */
export type SettledBy = 'engine' | 'checkpoint' | 'late';

export interface RowView {
  requestId: string;
  state: StoredState;
  settledBy: SettledBy | null;
  checkpointSequence: number;
  attempts: number;
  /** Captured, posted beyond the hold, or lost so far. */
  accountedNanoUsd: bigint;
  /** What was posted of the operator's cost so far, corrections included. */
  providerCostNanoUsd: bigint;
  suspenseNanoUsd: bigint;
}

/** What a batch needs to see, locked, before it is planned. `planPostings` changes the views as it goes. */
export interface LedgerView {
  ceilings: Map<number, CeilingView>;
  /** By `leaseKey`. */
  leases: Map<string, LeaseView>;
  /** By account ceiling. */
  grants: Map<number, Grant[]>;
  rows: Map<string, RowView>;
}

export interface RowWrite {
  insert: boolean;
  admitted: AdmittedRecord;
  state: StoredState;
  settledBy: SettledBy | null;
  forwarded: ForwardedRecord | null;
  checkpoint: CheckpointRecord | null;
  ended: EndedRecord | null;
  capturedNanoUsd: bigint;
  overageNanoUsd: bigint;
  lossNanoUsd: bigint;
}

export interface TransactionWrite {
  kind: TransactionKind;
  requestId: string;
  organizationId: string;
  postings: Posting[];
}

/** One per request and budget: what the budget's period was charged. */
export interface ChargeWrite {
  requestId: string;
  ceilingId: number;
  amountNanoUsd: bigint;
}

export interface LedgerWrites {
  rows: RowWrite[];
  transactions: TransactionWrite[];
  charges: ChargeWrite[];
  /** Changes of `posted` and `leased`, by ceiling. */
  ceilings: Map<number, { postedNanoUsd: bigint; leasedNanoUsd: bigint }>;
  /** New amounts; 0 closes the lease. */
  leases: Map<string, LeaseView>;
  /** Grants whose remainder changed. */
  grants: Map<number, Grant>;
}

export function leaseKey(engineId: number, number: number): string {
  return `${engineId}/${number}`;
}
