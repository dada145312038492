/** The only source of time outside core; core takes times as arguments. An injection token; tests bind a fake. */
export abstract class Clock {
  /** Wall clock, milliseconds since 1970, whole. */
  abstract nowMs(): number;
  /** For durations: never goes back, fractions of a millisecond, no relation to the wall clock. */
  abstract monotonicMs(): number;
}

export class SystemClock extends Clock {
  override nowMs(): number {
    return Date.now();
  }

  override monotonicMs(): number {
    return performance.now();
  }
}

/** Stands still until told: for tests. Both times advance together. */
export class ManualClock extends Clock {
  #nowMs: number;
  #elapsedMs = 0;

  constructor(nowMs = Date.UTC(2026, 0, 1)) {
    super();
    this.#nowMs = nowMs;
  }

  override nowMs(): number {
    return this.#nowMs;
  }

  override monotonicMs(): number {
    return this.#elapsedMs;
  }

  advance(milliseconds: number): void {
    this.#nowMs += milliseconds;
    this.#elapsedMs += milliseconds;
  }
}
