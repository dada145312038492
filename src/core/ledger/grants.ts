/** One grant of credit as the ledger sees it while its account is locked. */
export interface Grant {
  id: number;
  remainingNanoUsd: bigint;
  /** Lower burns first. */
  priority: number;
  /** Null: never. */
  expiresAtMs: number | null;
  createdAtMs: number;
}

/** A part of a charge and the grant that pays it; null is the account's overdraft. */
export interface Burn {
  grantId: number | null;
  amountNanoUsd: bigint;
}

/** By priority, then expiry (never last), then id: the same for everyone, so a replay burns what the first run burned. */
export function burnOrder(a: Grant, b: Grant): number {
  return a.priority - b.priority || compare(expiryOf(a), expiryOf(b)) || a.id - b.id;
}

/**
 * Takes `amountNanoUsd` from the grants that were valid at admission, in burn order, and lowers their remainders in place.
 * What those cannot pay is taken from the other unexpired grants, then from any, at last from the overdraft: a charge that
 * the ceiling allowed always finds its money.
 */
export function burnGrants(grants: readonly Grant[], amountNanoUsd: bigint, admittedAtMs: number): Burn[] {
  const first = firstToBurn(grants, admittedAtMs);
  if (first === null || amountNanoUsd <= 0n || first.remainingNanoUsd < amountNanoUsd) return burnInOrder(grants, amountNanoUsd, admittedAtMs);
  first.remainingNanoUsd -= amountNanoUsd;
  return [{ grantId: first.id, amountNanoUsd }];
}

/** Of the grants that were valid at admission and have anything left, the first in burn order: mostly it pays everything. */
function firstToBurn(grants: readonly Grant[], admittedAtMs: number): Grant | null {
  let first: Grant | null = null;
  for (const grant of grants) {
    if (grant.remainingNanoUsd > 0n && isValidAt(grant, admittedAtMs) && (first === null || burnOrder(grant, first) < 0)) first = grant;
  }
  return first;
}

function burnInOrder(grants: readonly Grant[], amountNanoUsd: bigint, admittedAtMs: number): Burn[] {
  const valid = grants.filter((grant) => isValidAt(grant, admittedAtMs)).sort(burnOrder);
  const unexpired = grants.filter((grant) => expiryOf(grant) > admittedAtMs && !valid.includes(grant)).sort(burnOrder);
  const rest = grants.filter((grant) => !valid.includes(grant) && !unexpired.includes(grant)).sort(burnOrder);
  const burns: Burn[] = [];
  let left = amountNanoUsd;
  for (const grant of [...valid, ...unexpired, ...rest]) {
    const taken = grant.remainingNanoUsd < left ? grant.remainingNanoUsd : left;
    if (taken <= 0n) continue;
    grant.remainingNanoUsd -= taken;
    left -= taken;
    burns.push({ grantId: grant.id, amountNanoUsd: taken });
  }
  if (left > 0n) burns.push({ grantId: null, amountNanoUsd: left });
  return burns;
}

/**
 * Where a refund goes: back to the grants it burned, last burned first. `burned` is in burning order, with what earlier
 * refunds gave back already taken off. Throws a RangeError when there is less to give back.
 */
export function refundBurns(burned: readonly Burn[], amountNanoUsd: bigint): Burn[] {
  const refunds: Burn[] = [];
  let left = amountNanoUsd;
  for (const burn of [...burned].reverse()) {
    const given = burn.amountNanoUsd < left ? burn.amountNanoUsd : left;
    if (given <= 0n) continue;
    left -= given;
    refunds.push({ grantId: burn.grantId, amountNanoUsd: given });
  }
  if (left > 0n) throw new RangeError('a refund cannot exceed what was burned');
  return refunds;
}

/** What of an expired grant may be taken now: open leases may still be paid from it (invariant I17). */
export function expirableNanoUsd(remainingNanoUsd: bigint, availableNanoUsd: bigint): bigint {
  const least = remainingNanoUsd < availableNanoUsd ? remainingNanoUsd : availableNanoUsd;
  return least > 0n ? least : 0n;
}

function isValidAt(grant: Grant, atMs: number): boolean {
  return grant.createdAtMs <= atMs && expiryOf(grant) > atMs;
}

function expiryOf(grant: Grant): number {
  return grant.expiresAtMs ?? Number.POSITIVE_INFINITY;
}

/** Not a subtraction: Infinity minus Infinity is not a number. */
function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
