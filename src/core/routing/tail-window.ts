import { LatencyDigest } from './latency-digest.js';
import { MIN_TAIL_SAMPLES, type ObservedTails } from './patience.js';

/** Beginnings and pauses of streamed answers of late, of one deployment or of all of a model class. Constant memory. */
export class TailWindow {
  private readonly firstByte = new LatencyDigest();
  private readonly gap = new LatencyDigest();

  add(facts: { firstByteMs?: number | undefined; gapMs?: number | undefined }, nowMs: number): void {
    if (facts.firstByteMs !== undefined) this.firstByte.add(facts.firstByteMs, nowMs);
    if (facts.gapMs !== undefined) this.gap.add(facts.gapMs, nowMs);
  }

  /** What it has enough of; the rest is `otherwise`'s. */
  tails(nowMs: number, otherwise: ObservedTails = {}): ObservedTails {
    return {
      firstByteP99Ms: this.firstByte.countAt(nowMs) < MIN_TAIL_SAMPLES ? otherwise.firstByteP99Ms : this.firstByte.quantile(0.99),
      gapP99Ms: this.gap.countAt(nowMs) < MIN_TAIL_SAMPLES ? otherwise.gapP99Ms : this.gap.quantile(0.99),
    };
  }
}
