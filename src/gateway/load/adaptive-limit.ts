const MOST = 2_048;
const LEAST = 24;
/** What the event loop may be late on average: beyond it requests wait for each other, not for anybody else. */
const TARGET_DELAY_MS = 75;
const SMOOTHING = 0.5;
/** One window never takes more than this share of the limit away, so that one long pause is not taken for an overload. */
const LEAST_STEP = 0.7;
const GROWTH = 1.05;
const GROWTH_COUNT = 4;

/**
 * How many requests may be on their way to a provider at once, by what the event loop says: a gradient downwards while it is
 * late (target ÷ delay, to the fourth root), a twentieth upwards in every window in which it is not. Pure; a window is what
 * its owner makes it.
 */
export class AdaptiveLimit {
  private current = MOST;
  private smoothedMs = 0;

  /** Requests; whole. */
  get count(): number {
    return Math.floor(this.current);
  }

  get delayMs(): number {
    return this.smoothedMs;
  }

  /** @param delayMs how late the loop was on average in the window that ends */
  observe(delayMs: number): void {
    this.smoothedMs += SMOOTHING * (delayMs - this.smoothedMs);
    if (this.smoothedMs <= TARGET_DELAY_MS) this.current = Math.min(MOST, this.current * GROWTH + GROWTH_COUNT);
    else this.current = Math.max(LEAST, this.current * Math.max(LEAST_STEP, (TARGET_DELAY_MS / this.smoothedMs) ** 0.25));
  }
}
