import { simulate } from './simulation.js';

const SEEDS = Array.from({ length: 12 }, (_, index) => index + 1);
const STEPS = 600;

describe('simulated ledger', () => {
  it.each(SEEDS)('keeps every invariant after every step (seed %i)', (seed) => {
    const { requestCount, refusedCount, crashCount } = simulate(seed, STEPS);
    expect(requestCount).toBeGreaterThan(400);
    expect(refusedCount).toBeGreaterThan(0);
    expect(crashCount).toBeGreaterThan(5);
  });

  it.each([
    ['posts-twice', /I03|I06|guarantee/],
    ['keeps-leases', /I03/],
    ['charges-the-hold', /guarantee/],
    ['forgets-refused-part', /I11/],
    ['burns-nothing', /I15/],
  ] as const)('finds a planted bug: %s', (bug, message) => {
    expect(() => SEEDS.forEach((seed) => simulate(seed, STEPS, bug))).toThrow(message);
  });
});
