/** Milliseconds ago, amount. */
export type WindowStep = readonly [ageMs: number, amount: number];

/** Amounts counted in the last `windowMs`, never forgotten too early: a bucket leaves only when its *latest* amount is old enough. */
export class SlidingWindow {
  readonly #windowMs: number;
  readonly #bucketMs: number;
  /** Three parallel lists, oldest first, from `#head` on; at most windowMs / bucketMs + 2 buckets. */
  #numbers: number[] = [];
  #latestMs: number[] = [];
  #amounts: number[] = [];
  #head = 0;
  #used = 0;
  #held = 0;

  /** @param bucketMs how coarse: an amount may count so much longer than the window, never shorter */
  constructor(windowMs: number, bucketMs: number) {
    this.#windowMs = windowMs;
    this.#bucketMs = bucketMs;
  }

  /** Buckets held in memory, those that have left and wait to be cleared included. */
  get bucketCount(): number {
    return this.#numbers.length;
  }

  /** Of what is used: what is only held. */
  get heldCount(): number {
    return this.#held;
  }

  /** What is held included. */
  used(nowMs: number): number {
    this.#expire(nowMs);
    return this.#used;
  }

  /** Returns the bucket, for `refund`. `nowMs` must not go back. */
  add(nowMs: number, amount: number): number {
    this.#expire(nowMs);
    const bucket = Math.floor(nowMs / this.#bucketMs);
    const last = this.#numbers.length - 1;
    if (last >= this.#head && this.#numbers[last] === bucket) {
      this.#amounts[last] = (this.#amounts[last] ?? 0) + amount;
      this.#latestMs[last] = nowMs;
      this.#used += amount;
    } else {
      this.#push(nowMs, amount);
    }
    return bucket;
  }

  /** Counts an amount until it is let go (a negative amount does that): it may be used at any moment, so it has no age. */
  hold(amount: number): void {
    this.#held += amount;
    this.#used += amount;
  }

  /** Takes an amount back out of its bucket; nothing when the bucket has left. */
  refund(bucket: number, amount: number): void {
    // Mostly one of the last: a request rarely takes long.
    let at = this.#numbers.length - 1;
    while (at >= this.#head && this.#numbers[at] !== bucket) at -= 1;
    if (at < this.#head) return;
    const back = Math.min(amount, this.#amounts[at] ?? 0);
    this.#amounts[at] = (this.#amounts[at] ?? 0) - back;
    this.#used -= back;
  }

  /** How long until `amount` fits under `limit`, if nothing else is added; 0 when it fits now. The amount must not exceed the limit. */
  fitsInMs(nowMs: number, amount: number, limit: number): number {
    let left = this.used(nowMs);
    for (let at = this.#head; left + amount > limit && at < this.#numbers.length; at += 1) {
      left -= this.#amounts[at] ?? 0;
      if (left + amount <= limit) return (this.#latestMs[at] ?? 0) + this.#windowMs - nowMs;
    }
    return left + amount > limit ? this.#windowMs : 0;
  }

  /** How long until nothing counts any more. */
  emptyInMs(nowMs: number): number {
    this.#expire(nowMs);
    if (this.#held > 0) return this.#windowMs;
    for (let at = this.#numbers.length - 1; at >= this.#head; at -= 1) {
      if ((this.#amounts[at] ?? 0) > 0) return (this.#latestMs[at] ?? 0) + this.#windowMs - nowMs;
    }
    return 0;
  }

  /** What counts now, oldest first, in steps of `stepMs`: how long ago the latest amount of each step was, and their sum. */
  dump(nowMs: number, stepMs: number): WindowStep[] {
    this.#expire(nowMs);
    const steps: WindowStep[] = [];
    let number = Number.NaN;
    for (let at = this.#head; at < this.#numbers.length; at += 1) {
      const [latestMs, amount] = [this.#latestMs[at] ?? 0, this.#amounts[at] ?? 0];
      const last = steps.at(-1);
      if (last !== undefined && Math.floor(latestMs / stepMs) === number) {
        steps[steps.length - 1] = [nowMs - latestMs, last[1] + amount];
      } else if (amount > 0) {
        steps.push([nowMs - latestMs, amount]);
        number = Math.floor(latestMs / stepMs);
      }
    }
    return steps;
  }

  /** Into an empty window: what another process counted so long ago. */
  restore(nowMs: number, steps: readonly WindowStep[]): void {
    for (const [ageMs, amount] of steps) this.#push(nowMs - ageMs, amount);
    this.#expire(nowMs);
  }

  #push(atMs: number, amount: number): void {
    this.#numbers.push(Math.floor(atMs / this.#bucketMs));
    this.#latestMs.push(atMs);
    this.#amounts.push(amount);
    this.#used += amount;
  }

  #expire(nowMs: number): void {
    while (this.#head < this.#numbers.length && (this.#latestMs[this.#head] ?? 0) + this.#windowMs <= nowMs) {
      this.#used -= this.#amounts[this.#head] ?? 0;
      this.#head += 1;
    }
    if (this.#head > 64 && this.#head * 2 > this.#numbers.length) this.#compact();
  }

  #compact(): void {
    this.#numbers = this.#numbers.slice(this.#head);
    this.#latestMs = this.#latestMs.slice(this.#head);
    this.#amounts = this.#amounts.slice(this.#head);
    this.#head = 0;
  }
}
