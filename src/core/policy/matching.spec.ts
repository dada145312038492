import fc from 'fast-check';
import { parseAddress, parseAddressRange, rangeContains } from './cidr.js';
import { compileGlob, globCovers } from './glob.js';
import { compileSchedule } from './schedule.js';

const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '/', '*', '?', '.'), maxLength: 8 });
const name = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', 'A'), maxLength: 10 });

describe('globs', () => {
  it('match as the same pattern written as a regular expression does', () => {
    fc.assert(
      fc.property(pattern, name, (text, value) => {
        const escaped = text.replace(/[.\\/]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.');
        expect(compileGlob(text).matches(value)).toBe(new RegExp(`^${escaped}$`, 'is').test(value));
      }),
    );
  });

  it('are said to cover another only when they match all it matches', () => {
    fc.assert(
      fc.property(pattern, pattern, name, (wide, narrow, filling) => {
        if (!globCovers(wide, narrow)) return;
        const value = narrow.replaceAll('?', 'a').replaceAll('*', filling);
        expect(compileGlob(wide).matches(value)).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('cost no more than pattern × name', () => {
    const startedMs = performance.now();
    expect(compileGlob(`${'a*'.repeat(90)}b`).matches('a'.repeat(10_000))).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(200);
  });
});

describe('address ranges', () => {
  it.each([
    ['10.0.0.0/8', '10.255.1.2', true],
    ['10.0.0.0/8', '11.0.0.1', false],
    ['10.0.0.7', '10.0.0.7', true],
    ['10.0.0.7', '10.0.0.8', false],
    ['10.0.0.0/8', '::ffff:10.1.2.3', true],
    ['10.0.0.0/8', '::ffff:a01:203', true],
    ['::ffff:10.0.0.0/104', '10.1.2.3', true],
    ['2001:db8::/32', '2001:DB8:1::5', true],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['::1', '0:0:0:0:0:0:0:1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['::/0', '203.0.113.9', true],
  ])('%s contains %s: %s', (range, address, inside) => {
    const parsed = parseAddressRange(range);
    const bytes = parseAddress(address);
    expect(parsed !== null && bytes !== null && rangeContains(parsed, bytes)).toBe(inside);
  });

  it.each(['', 'localhost', '1.2.3', '1.2.3.4.5', '256.0.0.1', '01.2.3.4', '1::2::3', ':::', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', 'g::', '10.0.0.0/', '10.0.0.0/-1', '::/129', '1.2.3.4:80'])(
    'refuses %j',
    (text) => {
      expect(parseAddressRange(text)).toBeNull();
    },
  );
});

describe('schedules', () => {
  const at = (iso: string): number => Date.parse(iso);

  it('are read in their timezone', () => {
    const office = compileSchedule({ timezone: 'Asia/Seoul', days: [1, 2, 3, 4, 5], from: '09:00', to: '18:00' });
    expect(office.allows(at('2026-11-23T00:00:00Z'), 'UTC')).toBe(true);
    expect(office.allows(at('2026-11-22T23:59:59Z'), 'UTC')).toBe(false);
    expect(office.allows(at('2026-11-23T08:59:59Z'), 'UTC')).toBe(true);
    expect(office.allows(at('2026-11-23T09:00:00Z'), 'UTC')).toBe(false);
    expect(office.allows(at('2026-11-21T03:00:00Z'), 'UTC')).toBe(false);
  });

  it('fall back to the project’s timezone', () => {
    const morning = compileSchedule({ from: '06:00', to: '12:00' });
    expect(morning.allows(at('2026-11-23T00:00:00Z'), 'Asia/Tokyo')).toBe(true);
    expect(morning.allows(at('2026-11-23T00:00:00Z'), 'UTC')).toBe(false);
  });

  it('cross midnight with the day on which they start', () => {
    const night = compileSchedule({ timezone: 'UTC', days: [5], from: '22:00', to: '06:00' });
    expect(night.allows(at('2026-11-20T22:00:00Z'), 'UTC')).toBe(true);
    expect(night.allows(at('2026-11-21T05:59:00Z'), 'UTC')).toBe(true);
    expect(night.allows(at('2026-11-21T06:00:00Z'), 'UTC')).toBe(false);
    expect(night.allows(at('2026-11-20T05:00:00Z'), 'UTC')).toBe(false);
    expect(night.allows(at('2026-11-21T22:30:00Z'), 'UTC')).toBe(false);
  });

  it('follow daylight saving', () => {
    const early = compileSchedule({ timezone: 'America/New_York', from: '03:00', to: '04:00' });
    expect(early.allows(at('2026-03-08T07:30:00Z'), 'UTC')).toBe(true);
    expect(early.allows(at('2026-03-07T08:30:00Z'), 'UTC')).toBe(true);
    expect(early.allows(at('2026-03-07T07:30:00Z'), 'UTC')).toBe(false);
  });
});
