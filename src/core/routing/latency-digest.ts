/** Buckets grow by a fifth from 1 ms to over an hour: a percentile is off by at most 10 %. */
const GROWTH = Math.log(1.2);
const BUCKETS = 84;
const HALF_LIFE_MS = 300_000;
/** Weights grow instead of all buckets decaying; before they overflow a double they are scaled back. */
const RESCALE_AT = 2 ** 40;

/** Percentiles of recent durations in constant memory (84 numbers): older samples fade with a half-life of five minutes. */
export class LatencyDigest {
  private readonly weights = new Float64Array(BUCKETS);
  private total = 0;
  private originMs = 0;

  add(durationMs: number, nowMs: number): void {
    if (!(durationMs >= 0)) return;
    if (this.total === 0) this.originMs = nowMs;
    let weight = 2 ** ((nowMs - this.originMs) / HALF_LIFE_MS);
    if (weight > RESCALE_AT) {
      this.rescale(weight, nowMs);
      weight = 1;
    }
    const bucket = bucketOf(durationMs);
    this.weights[bucket] = (this.weights[bucket] ?? 0) + weight;
    this.total += weight;
  }

  /** Samples, older ones for less. */
  countAt(nowMs: number): number {
    return this.total === 0 ? 0 : this.total / 2 ** ((nowMs - this.originMs) / HALF_LIFE_MS);
  }

  /** Undefined without samples. */
  quantile(share: number): number | undefined {
    if (this.total === 0) return undefined;
    let left = this.total * share;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      left -= this.weights[bucket] ?? 0;
      if (left <= this.total * 1e-12) return Math.round(Math.exp((bucket + 0.5) * GROWTH));
    }
    return Math.round(Math.exp(BUCKETS * GROWTH));
  }

  private rescale(weight: number, nowMs: number): void {
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) this.weights[bucket] = (this.weights[bucket] ?? 0) / weight;
    this.total /= weight;
    this.originMs = nowMs;
  }
}

function bucketOf(durationMs: number): number {
  return Math.min(BUCKETS - 1, Math.max(0, Math.floor(Math.log(Math.max(1, durationMs)) / GROWTH)));
}
