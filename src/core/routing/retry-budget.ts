const WINDOW_S = 10;
const SHARE = 0.2;
const FLOOR_PER_S = 10;

/**
 * How many further attempts all requests together may make: each request of the last 10 s is worth a fifth of one, spent once; but
 * at least 10 a second. When every provider fails, upstreams see at most 1.2 times the clients' calls (spec faults F35).
 */
export class RetryBudget {
  /** What the requests of each second are still worth. */
  private readonly deposits = new Float64Array(WINDOW_S);
  private readonly retries = new Float64Array(WINDOW_S);
  private second = 0;

  request(nowMs: number): void {
    this.advance(nowMs);
    const slot = this.second % WINDOW_S;
    this.deposits[slot] = (this.deposits[slot] ?? 0) + SHARE;
  }

  /** Takes one retry out of the budget; false when there is none left. */
  mayRetry(nowMs: number): boolean {
    this.advance(nowMs);
    if (!this.spend() && sum(this.retries) + 1 > FLOOR_PER_S * WINDOW_S) return false;
    const slot = this.second % WINDOW_S;
    this.retries[slot] = (this.retries[slot] ?? 0) + 1;
    return true;
  }

  /** The oldest first: they expire first. */
  private spend(): boolean {
    if (sum(this.deposits) < 1 - 1e-9) return false;
    let left = 1;
    for (let age = WINDOW_S - 1; age >= 0 && left > 0; age -= 1) {
      const slot = (this.second + WINDOW_S - age) % WINDOW_S;
      const taken = Math.min(left, this.deposits[slot] ?? 0);
      this.deposits[slot] = (this.deposits[slot] ?? 0) - taken;
      left -= taken;
    }
    return true;
  }

  private advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1_000);
    if (second <= this.second) return;
    const gone = Math.min(WINDOW_S, second - this.second);
    for (let step = 1; step <= gone; step += 1) {
      const slot = (this.second + step) % WINDOW_S;
      this.deposits[slot] = 0;
      this.retries[slot] = 0;
    }
    if (gone === WINDOW_S) {
      this.deposits.fill(0);
      this.retries.fill(0);
    }
    this.second = second;
  }
}

function sum(values: Float64Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
