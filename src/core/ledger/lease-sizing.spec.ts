import * as fc from 'fast-check';
import { Demand, planLeases } from './lease-sizing.js';

const second = (nanoUsd: bigint, count = 10, largestNanoUsd = nanoUsd / 10n) => ({ nanoUsd, count, largestNanoUsd });

describe('the size of a lease', () => {
  it('is a second of what holds ask, topped up at half of it', () => {
    const figures = { second: second(1_000n), idle: false, mayGrow: true };
    expect(planLeases({ ...figures, spares: [] })).toEqual({ takeNanoUsd: 1_000n, atLeastNanoUsd: 100n, giveBack: [] });
    expect(planLeases({ ...figures, spares: [200n, 299n] }).takeNanoUsd).toBe(1_000n);
    expect(planLeases({ ...figures, spares: [200n, 300n] }).takeNanoUsd).toBe(0n);
    expect(planLeases({ ...figures, spares: [], mayGrow: false }).takeNanoUsd).toBe(0n);
  });

  it('is nothing for one request alone, and at least two of the largest for some', () => {
    expect(planLeases({ spares: [], second: second(50n, 1, 50n), idle: false, mayGrow: true }).takeNanoUsd).toBe(0n);
    expect(planLeases({ spares: [], second: second(50n, 2, 50n), idle: false, mayGrow: true })).toMatchObject({ takeNanoUsd: 100n, atLeastNanoUsd: 50n });
  });

  it('is given back when it is idle or four times too much, but never below a second', () => {
    expect(planLeases({ spares: [5n, 0n], second: second(0n, 0), idle: true, mayGrow: true }).giveBack).toEqual([0, 1]);
    expect(planLeases({ spares: [5n], second: second(0n, 0), idle: false, mayGrow: true })).toEqual({ takeNanoUsd: 0n, atLeastNanoUsd: 0n, giveBack: [] });
    expect(planLeases({ spares: [3_000n, 1_500n], second: second(1_000n), idle: false, mayGrow: true }).giveBack).toEqual([0]);
    fc.assert(
      fc.property(fc.array(fc.bigInt(0n, 5_000n), { maxLength: 7 }), fc.bigInt(10n, 1_000n), (spares, asked) => {
        const { giveBack } = planLeases({ spares, second: second(asked), idle: false, mayGrow: true });
        const sum = (amounts: bigint[]): bigint => amounts.reduce((total, amount) => total + amount, 0n);
        const rest = sum(spares.filter((_, index) => !giveBack.includes(index)));
        return giveBack.length === 0 || rest >= asked;
      }),
    );
  });

  it('never keeps more than eight leases of a ceiling: the smallest go', () => {
    const spares = [9n, 1n, 8n, 7n, 2n, 6n, 5n, 4n, 3n, 10n];
    expect(planLeases({ spares, second: second(20n), idle: false, mayGrow: true }).giveBack).toEqual([1, 4]);
  });
});

describe('demand', () => {
  it('is the busier of this second and the last, and forgotten after two', () => {
    const demand = new Demand();
    expect(demand.isIdle(0, 10)).toBe(true);
    for (let at = 0; at < 1_000; at += 100) demand.note(10n, at);
    expect(demand.second(999)).toEqual({ nanoUsd: 100n, count: 10, largestNanoUsd: 10n });
    demand.note(30n, 1_000);
    expect(demand.second(1_001)).toEqual({ nanoUsd: 100n, count: 11, largestNanoUsd: 30n });
    expect(demand.second(2_500)).toEqual({ nanoUsd: 30n, count: 1, largestNanoUsd: 30n });
    expect(demand.second(5_000)).toEqual({ nanoUsd: 0n, count: 0, largestNanoUsd: 0n });
    expect([demand.isIdle(1_009, 10), demand.isIdle(1_010, 10)]).toEqual([false, true]);
  });
});
