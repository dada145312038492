/** Numbers of one engine's leases. They rise and are never used again, so what the engine does not know was never acknowledged. */
export class LeaseNumbers {
  #last = 0;
  readonly #asking = new Set<number>();

  reserve(count: number): number[] {
    const numbers = Array.from({ length: count }, (_, index) => this.#last + index + 1);
    this.#last += count;
    for (const number of numbers) this.#asking.add(number);
    return numbers;
  }

  /** The statement that may have opened them was answered or given up. */
  release(numbers: readonly number[]): void {
    for (const number of numbers) this.#asking.delete(number);
  }

  get last(): number {
    return this.#last;
  }

  /** Numbers that a statement in flight may be opening: not unknown, only not acknowledged yet. */
  inFlight(): number[] {
    return [...this.#asking];
  }
}
