/** Rounds → medians. Ratios are taken within a round, where both sides met the same machine, and then the median of them. */

export function median(values) {
  const known = values.filter((value) => value !== null && value !== undefined && Number.isFinite(value)).toSorted((left, right) => left - right);
  if (known.length === 0) return null;
  const middle = known.length >> 1;
  return known.length % 2 === 1 ? known[middle] : (known[middle - 1] + known[middle]) / 2;
}

/** What makes this row no result, or null. One bad round is enough: a gateway that asks twice now and then is not fast. */
export function faultOf(row) {
  return row?.rounds.find((round) => round.fault !== undefined)?.fault ?? null;
}

/** The median of one figure; null without a result. */
export function figure(row, name) {
  return row === undefined || faultOf(row) !== null ? null : median(row.rounds.map((round) => round[name]));
}

/** What the row adds to the direct way, in the same round. */
export function added(row, direct, name) {
  if (row === undefined || direct === undefined || faultOf(row) !== null || faultOf(direct) !== null) return null;
  return median(row.rounds.map((round, index) => round[name] - direct.rounds[index][name]));
}

/** `{middle, low, high}` of row ÷ base over the rounds, or null. `of` reads a round's value, given the round's index. */
export function ratio(row, base, of) {
  if (row === undefined || base === undefined || faultOf(row) !== null || faultOf(base) !== null) return null;
  const values = row.rounds.map((round, index) => of(round, index) / of(base.rounds[index], index)).filter((value) => Number.isFinite(value) && value > 0);
  return values.length === 0 ? null : { middle: median(values), low: Math.min(...values), high: Math.max(...values) };
}

export function rowOf(result, id) {
  return result?.rows.find((row) => row.contestant.id === id);
}
