import { burnGrants, type Burn, type Grant } from './grants.js';
import {
  leaseKey,
  type CeilingView,
  type LeaseView,
  type LedgerView,
  type LedgerWrites,
  type Posting,
  type RowView,
  type SettledBy,
  type TransactionKind,
} from './posting-model.js';
import type { AdmittedRecord, EndedRecord, HoldPart, RequestFold } from './records.js';
import { isEnded } from './states.js';

/**
 * Plans one batch: folded requests against a locked view of the ledger. Deterministic and idempotent: a request that is
 * already in its end state changes nothing, except that what a request that was settled by its checkpoint turns out to be worth
 * beyond that is posted late, once. `settledBy` says whose knowledge the ends are: the request's own (`engine`) or a dead
 * engine's last checkpoint.
 */
export function planPostings(view: LedgerView, folds: readonly RequestFold[], settledBy: 'engine' | 'checkpoint'): LedgerWrites {
  const plan = new PostingPlan(view);
  for (const fold of folds) plan.post(fold, settledBy);
  return plan.writes;
}

/** Whether an end may change the ceiling of this part of its hold: then it must be locked before the end is planned. */
export function mayChange({ outcome }: EndedRecord, part: HoldPart): boolean {
  return part.amountNanoUsd > 0n || outcome.worthNanoUsd > 0n;
}

class PostingPlan {
  readonly writes: LedgerWrites = { rows: [], transactions: [], charges: [], ceilings: new Map(), leases: new Map(), grants: new Map() };
  readonly #view: LedgerView;
  /** The lease that was looked for last: most of a batch carved from the same. */
  #last: { readonly engineId: number; readonly number: number; readonly lease: LeaseView | null } = { engineId: -1, number: -1, lease: null };
  /** It is among the writes. */
  #lastFreed: LeaseView | null = null;

  constructor(view: LedgerView) {
    this.#view = view;
  }

  post(fold: RequestFold, settledBy: 'engine' | 'checkpoint'): void {
    const row = this.#view.rows.get(fold.admitted.requestId) ?? null;
    if (row !== null && isEnded(row.state)) {
      const beyond = (fold.ended?.outcome.worthNanoUsd ?? 0n) - row.accountedNanoUsd;
      if (fold.ended !== null && row.settledBy === 'checkpoint' && beyond > 0n) this.#postLate(fold, { ended: fold.ended, missing: beyond, row });
      return;
    }
    if (fold.ended === null) this.#writeRunning(fold, row);
    else this.#postEnd(fold, fold.ended, row, settledBy);
  }

  /** A row begins as `forwarded`; it is `streaming` from the first checkpoint after that. */
  #writeRunning(fold: RequestFold, row: RowView | null): void {
    const reached = fold.checkpoint === null ? 'forwarded' : 'streaming';
    if (row !== null && row.state === reached && isKnown(fold, row)) return;
    const state = row === null ? 'forwarded' : reached;
    this.#writeRow(fold, { row, state, settledBy: null, captured: 0n, overage: 0n, loss: 0n });
  }

  #postEnd(fold: RequestFold, ended: EndedRecord, row: RowView | null, settledBy: SettledBy): void {
    const { admitted } = fold;
    const worth = ended.outcome.worthNanoUsd;
    const covered = this.#isCovered(admitted);
    const captured = covered ? least(worth, admitted.holdNanoUsd) : 0n;
    for (const part of admitted.parts) this.#release(admitted.engineId, part, captured);
    const beyond = worth - captured;
    const overage = this.#postBeyond(admitted.parts, beyond);
    const capture = this.#charge(fold, captured);
    const kind = capture.length === 0 ? 'cost' : 'capture';
    addCosts(capture, ended, NO_COST);
    this.#transact(fold, kind, capture);
    // An end by checkpoint is not the last word, lease or not: the true end may still be posted late, once.
    const inTime = covered || settledBy === 'checkpoint';
    if (beyond > 0n) this.#transact(fold, inTime ? 'overage' : 'late', this.#chargeAndLoss(fold, overage, beyond - overage));
    this.#chargeBudgets(fold, captured + overage);
    this.#writeRow(fold, { row, state: ended.outcome.state, settledBy: inTime ? settledBy : 'late', captured, overage, loss: beyond - overage });
  }

  /** The engine was thought dead and is not, or its journal turned up: what its true end adds is posted like overage. */
  #postLate(fold: RequestFold, { ended, missing, row }: { ended: EndedRecord; missing: bigint; row: RowView }): void {
    const overage = this.#postBeyond(fold.admitted.parts, missing);
    const postings = this.#chargeAndLoss(fold, overage, missing - overage);
    addCosts(postings, ended, row);
    this.#transact(fold, 'late', postings);
    this.#chargeBudgets(fold, overage);
    this.#writeRow(fold, { row, state: 'compensated', settledBy: 'late', captured: 0n, overage, loss: missing - overage });
  }

  #isCovered({ engineId, parts }: AdmittedRecord): boolean {
    for (const part of parts) if (part.amountNanoUsd !== 0n && this.#leaseOf(engineId, part) === null) return false;
    return true;
  }

  #leaseOf(engineId: number, part: HoldPart): LeaseView | null {
    if (this.#last.engineId !== engineId || this.#last.number !== part.leaseNumber) {
      this.#last = { engineId, number: part.leaseNumber, lease: this.#view.leases.get(leaseKey(engineId, part.leaseNumber)) ?? null };
    }
    const { lease } = this.#last;
    return lease !== null && lease.ceilingId === part.ceilingId && lease.amountNanoUsd >= part.amountNanoUsd ? lease : null;
  }

  /** Takes the hold off its lease and the captured part off the ceiling; the rest is free again at once when the lease is exact. */
  #release(engineId: number, part: HoldPart, captured: bigint): void {
    const lease = part.amountNanoUsd === 0n ? null : this.#leaseOf(engineId, part);
    const freed = lease === null ? 0n : lease.exact ? part.amountNanoUsd : captured;
    this.#lowerCeiling(part.ceilingId, captured, freed);
    if (lease === null || freed === 0n) return;
    lease.amountNanoUsd -= freed;
    if (lease === this.#lastFreed) return;
    this.#lastFreed = lease;
    this.writes.leases.set(leaseKey(lease.engineId, lease.number), lease);
  }

  /** Takes of an amount beyond the hold what every ceiling of the request still allows, and returns it. */
  #postBeyond(parts: readonly HoldPart[], beyond: bigint): bigint {
    if (beyond === 0n) return 0n;
    const allowed = this.#allowed(parts, beyond);
    for (const part of parts) this.#lowerCeiling(part.ceilingId, allowed, 0n);
    return allowed;
  }

  #allowed(parts: readonly HoldPart[], beyond: bigint): bigint {
    let allowed = beyond;
    for (const part of parts) {
      const ceiling = this.#view.ceilings.get(part.ceilingId);
      if (ceiling !== undefined) allowed = least(allowed, availableOf(ceiling));
    }
    return parts.length === 0 || allowed < 0n ? 0n : allowed;
  }

  #lowerCeiling(id: number, posted: bigint, leased: bigint): void {
    const ceiling = this.#view.ceilings.get(id);
    if (ceiling === undefined || (posted === 0n && leased === 0n)) return;
    ceiling.postedNanoUsd -= posted;
    ceiling.leasedNanoUsd -= leased;
    let sum = this.writes.ceilings.get(id);
    if (sum === undefined) this.writes.ceilings.set(id, (sum = { postedNanoUsd: 0n, leasedNanoUsd: 0n }));
    sum.postedNanoUsd -= posted;
    sum.leasedNanoUsd -= leased;
  }

  /** A customer's credit → revenue, by the grants it burns. */
  #charge(fold: RequestFold, amount: bigint): Posting[] {
    if (amount === 0n) return [];
    const account = fold.admitted.parts.find((part) => part.kind === 'account');
    const grants = account === undefined ? [] : (this.#view.grants.get(account.ceilingId) ?? []);
    const burns = burnGrants(grants, amount, fold.admitted.admittedAtMs);
    for (const { grantId } of burns) this.#noteBurnt(grants, grantId);
    const revenue: Posting = { account: 'revenue', grantId: null, amountNanoUsd: amount };
    return burns.length === 1 ? [creditOf(burns[0] as Burn), revenue] : [...burns.map(creditOf), revenue];
  }

  #noteBurnt(grants: readonly Grant[], grantId: number | null): void {
    for (const grant of grants) if (grant.id === grantId) this.writes.grants.set(grant.id, grant);
  }

  #chargeAndLoss(fold: RequestFold, charged: bigint, lost: bigint): Posting[] {
    const postings = this.#charge(fold, charged);
    addBorne(postings, 'loss', lost);
    return postings;
  }

  #transact({ admitted: { requestId, organizationId } }: RequestFold, kind: TransactionKind, postings: Posting[]): void {
    if (postings.length > 0) this.writes.transactions.push({ kind, requestId, organizationId, postings });
  }

  #chargeBudgets(fold: RequestFold, amount: bigint): void {
    if (amount === 0n) return;
    for (const part of fold.admitted.parts) {
      if (part.kind === 'budget') this.writes.charges.push({ requestId: fold.admitted.requestId, ceilingId: part.ceilingId, amountNanoUsd: amount });
    }
  }

  /** Keeps the view current, so that the same request twice in one batch is posted once. */
  #writeRow(fold: RequestFold, to: RowChange): void {
    const { row, state, settledBy, captured, overage, loss } = to;
    const { admitted, forwarded, checkpoint, ended } = fold;
    const cost: Costs = ended === null ? NO_COST : ended.outcome;
    this.writes.rows.push({
      insert: row === null, admitted, state, settledBy, forwarded, checkpoint, ended,
      capturedNanoUsd: captured, overageNanoUsd: overage, lossNanoUsd: loss,
    });
    this.#view.rows.set(admitted.requestId, {
      requestId: admitted.requestId,
      state,
      settledBy,
      checkpointSequence: checkpoint?.sequence ?? 0,
      attempts: ended?.attempts ?? forwarded?.number ?? 0,
      accountedNanoUsd: (row?.accountedNanoUsd ?? 0n) + captured + overage + loss,
      providerCostNanoUsd: cost.providerCostNanoUsd,
      suspenseNanoUsd: cost.suspenseNanoUsd,
    });
  }
}

/** Whether the row says all that a running request has to say. */
function isKnown({ checkpoint, forwarded }: RequestFold, row: RowView): boolean {
  return (checkpoint?.sequence ?? 0) <= row.checkpointSequence && (forwarded?.number ?? 0) <= row.attempts;
}

interface RowChange {
  row: RowView | null;
  state: RowView['state'];
  settledBy: SettledBy | null;
  captured: bigint;
  overage: bigint;
  loss: bigint;
}

type Costs = Pick<RowView, 'providerCostNanoUsd' | 'suspenseNanoUsd'>;

const NO_COST: Costs = { providerCostNanoUsd: 0n, suspenseNanoUsd: 0n };

/** What the operator bears, less what was posted of it: a late end may know that it was less than was expected. */
function addCosts(postings: Posting[], { outcome }: EndedRecord, posted: Costs): void {
  addBorne(postings, 'provider_cost', outcome.providerCostNanoUsd - posted.providerCostNanoUsd);
  addBorne(postings, 'suspense', outcome.suspenseNanoUsd - posted.suspenseNanoUsd);
}

function creditOf({ grantId, amountNanoUsd }: Burn): Posting {
  return { account: 'credit', grantId, amountNanoUsd: -amountNanoUsd };
}

function addBorne(postings: Posting[], account: 'provider_cost' | 'suspense' | 'loss', amount: bigint): void {
  if (amount === 0n) return;
  postings.push({ account, grantId: null, amountNanoUsd: amount }, { account: 'operator', grantId: null, amountNanoUsd: -amount });
}

/** Spendable on a ceiling: posted − leased + overdraft, never negative. */
export function availableOf(ceiling: CeilingView): bigint {
  const available = ceiling.postedNanoUsd - ceiling.leasedNanoUsd + ceiling.overdraftNanoUsd;
  return available > 0n ? available : 0n;
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
