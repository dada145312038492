import { AdaptiveLimit } from './adaptive-limit.js';

/** One processor that works on whatever it let in, in the order it came: a request costs a millisecond, a refusal a tenth. */
class Processor {
  readonly limit = new AdaptiveLimit();
  working = 0;
  served = 0;
  refused = 0;
  delaysMs: number[] = [];
  private leftMs = 0;
  private carried = 0;

  /** A window of 100 ms with so many arrivals, spread evenly. */
  window(arrivals: number): void {
    let delay = 0;
    for (let slice = 0; slice < 10; slice += 1) {
      this.leftMs += 10;
      this.carried += arrivals / 10;
      for (; this.carried >= 1; this.carried -= 1) this.arrive();
      while (this.leftMs >= 1 && this.working > 0) {
        this.leftMs -= 1;
        this.working -= 1;
        this.served += 1;
      }
      if (this.working === 0) this.leftMs = Math.min(this.leftMs, 0);
      delay += this.working;
    }
    this.delaysMs.push(delay / 10);
    this.limit.observe(delay / 10);
  }

  private arrive(): void {
    if (this.working < this.limit.count) this.working += 1;
    else {
      this.refused += 1;
      this.leftMs -= 0.1;
    }
  }
}

describe('AdaptiveLimit', () => {
  it('refuses nothing below what the processor can do', () => {
    const processor = new Processor();
    for (let second = 0; second < 60; second += 1) for (let window = 0; window < 10; window += 1) processor.window(90);
    expect(processor.refused).toBe(0);
  });

  it('under three times the load it can do, the work done stays near its peak and nobody waits long', () => {
    const processor = new Processor();
    for (let window = 0; window < 600; window += 1) processor.window(300);
    expect(processor.served / 60_000).toBeGreaterThan(0.72);
    const settled = processor.delaysMs.slice(100).sort((a, b) => a - b);
    expect(settled[Math.floor(settled.length * 0.99)]).toBeLessThan(250);
    expect(settled[Math.floor(settled.length * 0.5)]).toBeLessThan(120);
    // A refusal costs a tenth of a request here: of 60 s, 2,000 refusals a second take a fifth.
    expect(processor.served + processor.refused * 0.1).toBeGreaterThan(0.95 * 60_000);
  });

  it('takes a burst whole, and a single long pause for nothing', () => {
    const limit = new AdaptiveLimit();
    const before = limit.count;
    limit.observe(400);
    expect(limit.count).toBeGreaterThanOrEqual(before * 0.7);
    for (let window = 0; window < 30; window += 1) limit.observe(3);
    expect(limit.count).toBe(before);
  });

  it('never closes altogether, and opens again within seconds', () => {
    const limit = new AdaptiveLimit();
    for (let window = 0; window < 600; window += 1) limit.observe(5_000);
    expect(limit.count).toBe(24);
    let windows = 0;
    while (limit.count < 1_000) {
      limit.observe(0);
      windows += 1;
    }
    expect(windows).toBeLessThan(100);
  });
});
