import fc from 'fast-check';
import { SlidingWindow } from './sliding-window.js';

const WINDOW_MS = 60_000;

describe('SlidingWindow', () => {
  it('never lets more than the limit into any window, and what it promises fits', () => {
    const steps = fc.array(fc.record({ waitMs: fc.integer({ min: 0, max: 20_000 }), amount: fc.integer({ min: 1, max: 5 }) }), { maxLength: 120 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 5, max: 12 }), fc.constantFrom(1, 250, 5_000), (run, limit, bucketMs) => {
        const window = new SlidingWindow(WINDOW_MS, bucketMs);
        const admitted: { atMs: number; amount: number }[] = [];
        let nowMs = 0;
        for (const { waitMs, amount } of run) {
          nowMs += waitMs;
          if (window.used(nowMs) + amount > limit) {
            const fitsMs = window.fitsInMs(nowMs, amount, limit);
            expect(fitsMs).toBeGreaterThan(0);
            expect(fitsMs).toBeLessThanOrEqual(WINDOW_MS);
            nowMs += fitsMs;
          }
          expect(window.used(nowMs) + amount).toBeLessThanOrEqual(limit);
          window.add(nowMs, amount);
          admitted.push({ atMs: nowMs, amount });
        }
        for (const { atMs } of admitted) {
          const inside = admitted.filter((other) => other.atMs >= atMs && other.atMs < atMs + WINDOW_MS);
          expect(inside.reduce((sum, { amount }) => sum + amount, 0)).toBeLessThanOrEqual(limit);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('frees a single amount exactly when its window has passed', () => {
    const window = new SlidingWindow(WINDOW_MS, 250);
    window.add(1_000, 1);
    expect([window.used(60_999), window.used(61_000)]).toEqual([1, 0]);
  });

  it('takes back what was reserved too much, while its bucket is still there', () => {
    const window = new SlidingWindow(WINDOW_MS, 250);
    const bucket = window.add(0, 100);
    window.add(1_000, 5);
    window.refund(bucket, 60);
    expect(window.used(2_000)).toBe(45);
    window.refund(bucket, 999);
    expect(window.used(2_000)).toBe(5);
    expect(window.emptyInMs(2_000)).toBe(59_000);
    window.refund(bucket, 5);
    expect(window.used(60_500)).toBe(5);
  });

  it('keeps no more buckets than fit into the window', () => {
    const window = new SlidingWindow(WINDOW_MS, 250);
    for (let nowMs = 0; nowMs < 600_000; nowMs += 10) window.add(nowMs, 1);
    expect(window.used(600_000)).toBeGreaterThanOrEqual(6_000 - 1);
    expect(window.used(600_000)).toBeLessThanOrEqual(6_000 + 25);
    expect(window.bucketCount).toBeLessThan(700);
  });
});
