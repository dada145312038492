/**
 * After `threshold` failures in a row calls are refused without being tried, for `openMs`; then one is let through to see.
 * A dependency that hangs costs its deadline once per trial instead of once per request.
 */
export class Breaker {
  readonly #threshold: number;
  readonly #openMs: number;
  readonly #nowMs: () => number;
  #failures = 0;
  #openUntilMs = 0;
  #probing = false;

  constructor(threshold: number, openMs: number, nowMs: () => number) {
    this.#threshold = threshold;
    this.#openMs = openMs;
    this.#nowMs = nowMs;
  }

  get isOpen(): boolean {
    return this.#failures >= this.#threshold;
  }

  /** Whether a call may be tried now. */
  admits(): boolean {
    if (!this.isOpen) return true;
    if (this.#probing || this.#nowMs() < this.#openUntilMs) return false;
    this.#probing = true;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#probing = false;
  }

  failed(): void {
    this.#failures += 1;
    this.#probing = false;
    if (this.isOpen) this.#openUntilMs = this.#nowMs() + this.#openMs;
  }
}
