import type { MemoryLedger } from './memory-ledger.js';

/** What the outside knows of a request: the most a customer may pay for it. */
export interface Truth {
  deliveredNanoUsd: bigint;
  /** Its end was journaled before the client saw it: it must be charged exactly, as far as hold and credit allow. */
  ended: boolean;
}

/** Throws on the first violated invariant, after every step of a simulation. */
export function checkInvariants(ledger: MemoryLedger, opening: ReadonlyMap<number, bigint>, truth: ReadonlyMap<string, Truth>): void {
  for (const { postings, kind } of ledger.transactions) {
    const sum = postings.reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0n);
    assert(sum === 0n, `I01: a ${kind} does not balance (${sum})`);
  }
  for (const ceiling of ledger.ceilings.values()) {
    assert(ceiling.postedNanoUsd - ceiling.leasedNanoUsd >= 0n, `I02: ceiling ${ceiling.id} is overspent`);
    const leased = [...ledger.leases.values()].filter(({ ceilingId }) => ceilingId === ceiling.id).reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n);
    assert(leased === ceiling.leasedNanoUsd, `I03: ceiling ${ceiling.id} has leased ${ceiling.leasedNanoUsd}, its leases are ${leased}`);
    const replayed = ledger.budgets.has(ceiling.id) ? (opening.get(ceiling.id) ?? 0n) - chargesOf(ledger, ceiling.id) : creditOf(ledger, ceiling.id);
    assert(replayed === ceiling.postedNanoUsd, `I03: ceiling ${ceiling.id} says ${ceiling.postedNanoUsd}, replayed it is ${replayed}`);
  }
  checkSettlements(ledger, truth);
  for (const [accountId, grants] of ledger.grants) {
    const left = grants.reduce((sum, { remainingNanoUsd }) => sum + remainingNanoUsd, 0n);
    assert(left === ledger.ceilings.get(accountId)?.postedNanoUsd, `I15: the grants of ${accountId} have ${left} left`);
    assert(grants.every(({ remainingNanoUsd }) => remainingNanoUsd >= 0n), `I15: a grant of ${accountId} is overdrawn`);
  }
}

function checkSettlements(ledger: MemoryLedger, truth: ReadonlyMap<string, Truth>): void {
  const kinds = new Set<string>();
  for (const { kind, requestId } of ledger.transactions) {
    if (requestId === null) continue;
    assert(!kinds.has(`${requestId} ${kind}`), `I06: request ${requestId} has two ${kind} transactions`);
    kinds.add(`${requestId} ${kind}`);
  }
  for (const [requestId, row] of ledger.rows) {
    const delivered = truth.get(requestId)?.deliveredNanoUsd ?? 0n;
    assert(row.chargedNanoUsd <= delivered, `guarantee: request ${requestId} was charged ${row.chargedNanoUsd}, delivered was ${delivered}`);
  }
}

function creditOf(ledger: MemoryLedger, accountId: number): bigint {
  return ledger.transactions
    .filter((transaction) => transaction.accountId === accountId)
    .flatMap(({ postings }) => postings)
    .filter(({ account }) => account === 'credit')
    .reduce((sum, { amountNanoUsd }) => sum + amountNanoUsd, 0n);
}

function chargesOf(ledger: MemoryLedger, ceilingId: number): bigint {
  let sum = 0n;
  for (const [key, amount] of ledger.charges) if (key.endsWith(`/${ceilingId}`)) sum += amount;
  return sum;
}

function assert(holds: boolean, message: string): void {
  if (!holds) throw new Error(message);
}
