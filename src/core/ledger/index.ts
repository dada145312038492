export { burnGrants, burnOrder, expirableNanoUsd, refundBurns, type Burn, type Grant } from './grants.js';
export { LeaseBook, mayCarve, type Lease, type LeaseReturn, type LeaseWish, type Need } from './lease-book.js';
export { planLeases } from './lease-sizing.js';
export { availableOf, mayChange, planPostings } from './posting.js';
export {
  leaseKey,
  type AccountKind,
  type CeilingView,
  type LeaseView,
  type LedgerView,
  type LedgerWrites,
  type Posting,
  type RowView,
  type RowWrite,
  type SettledBy,
  type TransactionKind,
  type TransactionWrite,
} from './posting-model.js';
export {
  CHECKPOINT_UNITS,
  endByCheckpoint,
  foldRecord,
  type AdmittedRecord,
  type CheckpointRecord,
  type EndedRecord,
  type EngineRecord,
  type ForwardedRecord,
  type HoldPart,
  type JournalRecord,
  type PriceRecord,
  type RequestFold,
  type RequestRecord,
} from './records.js';
export { settle, type Outcome } from './settle.js';
export {
  Holds,
  type BudgetCeiling,
  type ChargeLine,
  type Ending,
  type Hold,
  type HoldRequest,
  type RequestState,
  type Settlement,
  type SettlementPolicy,
} from './settlement.js';
export { DEFAULT_POLICY, SETTLEMENT_TABLE } from './settlement-table.js';
export { isEnded, isLegalEdge, type EndState, type StoredState } from './states.js';
