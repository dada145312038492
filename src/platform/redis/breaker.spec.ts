import { Breaker } from './breaker.js';

describe('Breaker', () => {
  it('opens after failures in a row, lets one call through after a while, and closes when it succeeds', () => {
    let nowMs = 0;
    const breaker = new Breaker(2, 1_000, () => nowMs);
    breaker.failed();
    breaker.succeeded();
    breaker.failed();
    expect(breaker.admits()).toBe(true);
    breaker.failed();
    expect([breaker.isOpen, breaker.admits()]).toEqual([true, false]);
    nowMs = 1_000;
    expect([breaker.admits(), breaker.admits()]).toEqual([true, false]);
    breaker.failed();
    expect(breaker.admits()).toBe(false);
    nowMs = 2_000;
    expect(breaker.admits()).toBe(true);
    breaker.succeeded();
    expect([breaker.isOpen, breaker.admits(), breaker.admits()]).toEqual([false, true, true]);
  });
});
