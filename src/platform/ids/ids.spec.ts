import { base62, newId, randomDigits } from './index.js';

describe('newId', () => {
  it('has the prefix and 22 base62 digits', () => {
    expect(newId('req')).toMatch(/^req_[0-9A-Za-z]{22}$/);
  });

  it('sorts by time, also across every change of the number of digits', () => {
    const times = [0, 61, 62, 3_843, 3_844, Date.UTC(2026, 0, 1), Date.UTC(2026, 0, 1) + 1, Date.UTC(2500, 0, 1)];
    const ids = times.map((time) => newId('x', time));
    expect([...ids].sort()).toEqual(ids);
  });

  it('does not repeat', () => {
    const ids = new Set(Array.from({ length: 50_000 }, () => newId('req', 1)));
    expect(ids.size).toBe(50_000);
  });

  it('uses every digit about equally often', () => {
    const counts = new Map<string, number>();
    for (const digit of randomDigits(62_000)) counts.set(digit, (counts.get(digit) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // 1,000 expected, standard deviation 31.4: 8 deviations do not happen.
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(250);
  });

  it('keeps the width', () => expect([base62(0, 4), base62(61, 4), base62(62, 4)]).toEqual(['0000', '000z', '0010']));
});
