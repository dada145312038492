import type { ReplyHead } from './reply-head.js';

const BYTES = 262_144;
/** A longer answer does not wait here. */
const MAX_ANSWER_BYTES = 65_536;

/**
 * Where whole answers wait, head and body in one piece, for the end of the turn in which they were given: no string is made of them and
 * flattened, and the memory is used again once none waits in it any more.
 */
export class AnswerMemory {
  #memory = Buffer.allocUnsafeSlow(BYTES);
  #usedBytes = 0;
  #waitingCount = 0;

  /** Null when it does not fit. `left` is to be called for every answer that was placed. */
  place(head: Pick<ReplyHead, 'byteCount' | 'copyTo'>, body: Uint8Array): Buffer | null {
    const start = this.#usedBytes;
    const bodyStart = start + head.byteCount;
    const bytes = head.byteCount + body.length;
    if (bytes > MAX_ANSWER_BYTES || start + bytes > BYTES) return null;
    head.copyTo(this.#memory, start);
    this.#memory.set(body, bodyStart);
    this.#usedBytes = bodyStart + body.length;
    this.#waitingCount += 1;
    return this.#memory.subarray(start, this.#usedBytes);
  }

  /** @param isHeld the kernel did not take all of it at once: what it left keeps this memory, and others get another one */
  left(isHeld: boolean): void {
    this.#waitingCount -= 1;
    if (isHeld) this.#memory = Buffer.allocUnsafeSlow(BYTES);
    if (isHeld || this.#waitingCount === 0) this.#usedBytes = 0;
  }
}
