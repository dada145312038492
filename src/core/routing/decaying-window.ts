/** Successes and failures of late: each sample's weight halves every 30 s (routing.md section 1.3b). */
export const HALF_LIFE_MS = 30_000;

/** A count that decays; times must not go back (an earlier time counts as the latest). */
export class DecayingCount {
  private value = 0;
  private atMs = 0;

  constructor(private readonly halfLifeMs = HALF_LIFE_MS) {}

  add(nowMs: number, amount = 1): void {
    this.value = this.at(nowMs) + amount;
    this.atMs = Math.max(this.atMs, nowMs);
  }

  at(nowMs: number): number {
    if (this.value === 0 || nowMs <= this.atMs) return this.value;
    return this.value * 2 ** ((this.atMs - nowMs) / this.halfLifeMs);
  }

  clear(): void {
    this.value = 0;
  }
}
