/** What holds asked of one ceiling within a second or two: the busier of the running second and the one before it. */
export interface Second {
  nanoUsd: bigint;
  count: number;
  largestNanoUsd: bigint;
}

const WINDOW_MS = 1_000;

/** How much holds ask of one ceiling. Times are monotonic. */
export class Demand {
  #startedMs = Number.NEGATIVE_INFINITY;
  #running = nothing();
  #before = nothing();
  #lastMs = Number.NEGATIVE_INFINITY;

  note(amountNanoUsd: bigint, nowMs: number): void {
    this.#turn(nowMs);
    this.#running.nanoUsd += amountNanoUsd;
    this.#running.count += 1;
    this.#running.largestNanoUsd = most(this.#running.largestNanoUsd, amountNanoUsd);
    this.#lastMs = nowMs;
  }

  second(nowMs: number): Second {
    this.#turn(nowMs);
    return {
      nanoUsd: most(this.#running.nanoUsd, this.#before.nanoUsd),
      count: this.#running.count + this.#before.count,
      largestNanoUsd: most(this.#running.largestNanoUsd, this.#before.largestNanoUsd),
    };
  }

  isIdle(nowMs: number, idleMs: number): boolean {
    return nowMs - this.#lastMs >= idleMs;
  }

  #turn(nowMs: number): void {
    const elapsedMs = nowMs - this.#startedMs;
    if (elapsedMs < WINDOW_MS) return;
    this.#before = elapsedMs < 2 * WINDOW_MS ? this.#running : nothing();
    this.#running = nothing();
    this.#startedMs = nowMs;
  }
}

function nothing(): Second {
  return { nanoUsd: 0n, count: 0, largestNanoUsd: 0n };
}

export interface LeaseFigures {
  /** What can still be carved from each lease on the ceiling. */
  readonly spares: readonly bigint[];
  readonly second: Readonly<Second>;
  readonly idle: boolean;
  /** False while credit is short: another engine asked, or the database had too little. */
  readonly mayGrow: boolean;
}

export interface LeasePlan {
  /** To be asked of the database; 0: nothing. It gives at most a sixteenth of what is available, and nothing below `atLeastNanoUsd`. */
  readonly takeNanoUsd: bigint;
  readonly atLeastNanoUsd: bigint;
  /** Positions in `spares` of the leases to give back. */
  readonly giveBack: readonly number[];
}

/** Beyond it small remainders are given back, so that looking for a lease stays quick. */
const MAX_LEASES = 8;
const TOO_MUCH = 4n;

/**
 * Sizes what an engine has of one ceiling: about a second of what holds ask, topped up at half of that, given back when it is
 * four times too much or nobody has asked for a while. One request alone takes no lease: it commits its own hold.
 */
export function planLeases({ spares, second, idle, mayGrow }: LeaseFigures): LeasePlan {
  if (idle) return { takeNanoUsd: 0n, atLeastNanoUsd: 0n, giveBack: [...spares.keys()] };
  const goal = most(second.nanoUsd, 2n * second.largestNanoUsd);
  const spare = spares.reduce((sum, amount) => sum + amount, 0n);
  if (goal === 0n) return { takeNanoUsd: 0n, atLeastNanoUsd: 0n, giveBack: [] };
  const giveBack = excess(spares, spare, goal);
  const asks = mayGrow && second.count > 1 && 2n * spare < goal;
  return { takeNanoUsd: asks ? goal : 0n, atLeastNanoUsd: second.largestNanoUsd, giveBack };
}

function excess(spares: readonly bigint[], spare: bigint, goal: bigint): number[] {
  const small = [...spares.keys()].sort((a, b) => compare(spares[a] ?? 0n, spares[b] ?? 0n)).slice(0, Math.max(0, spares.length - MAX_LEASES));
  if (spare <= TOO_MUCH * goal) return small;
  const given = new Set(small);
  let rest = spares.reduce((sum, amount, index) => (given.has(index) ? sum : sum + amount), 0n);
  for (const [index, amount] of spares.entries()) {
    if (given.has(index) || rest - amount < goal) continue;
    given.add(index);
    rest -= amount;
  }
  return [...given];
}

function most(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
