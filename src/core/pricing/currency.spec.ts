import fc from 'fast-check';
import { convertUsd, decimalsOf, isCurrency, viewOfUsd, type ExchangeRate } from './index.js';

const rate = (currency: string, nanoPerUsd: bigint): ExchangeRate => ({ currency, nanoPerUsd, effectiveFromMs: 0, source: 'test' });
const KRW = rate('KRW', 1_386_200_000_000n);

describe('views in other currencies', () => {
  it.each([
    [1_000_000_000n, 0, '1386'],
    [1_000_000_000n, 1, '1386.2'],
    [2_000n, 4, '0.0028'],
    [-1_000_000_000n, 0, '-1386'],
    [360_698n, 0, '0'],
    [360_700n, 0, '1'],
    [360_697n, 0, '0'],
    [-1n, 0, '0'],
    [100_000_000_000_000_000n, 0, '138620000000'],
  ])('%s nano-USD with %s decimals is %s won', (nano, decimals, text) => expect(convertUsd(nano, KRW, decimals)).toBe(text));

  it('knows currencies and their decimals', () => {
    expect([decimalsOf('KRW'), decimalsOf('JPY'), decimalsOf('USD'), isCurrency('KRW'), isCurrency('XYZ'), isCurrency('krw')]).toEqual([0, 0, 2, true, false, false]);
    expect(viewOfUsd(2_000n, KRW)).toBe('0.0028');
    expect(viewOfUsd(1_000_000_000n, rate('JPY', 150_000_000_000n))).toBe('150');
    expect(viewOfUsd(10_000_000_000n, rate('JPY', 150_000_000_000n))).toBe('1500');
  });

  it('is off by at most half of the last place, symmetric, and monotone', () => {
    const amount = fc.bigInt(-(10n ** 17n), 10n ** 17n);
    const per = fc.bigInt(1n, 10n ** 14n);
    fc.assert(
      fc.property(amount, amount, per, fc.nat(6), (a, b, nanoPerUsd, decimals) => {
        const places = (text: string): bigint => BigInt(text.replace('.', ''));
        const [x, y] = [a < b ? a : b, a < b ? b : a].map((nano) => places(convertUsd(nano, { nanoPerUsd }, decimals)));
        const error = places(convertUsd(a, { nanoPerUsd }, decimals)) * 10n ** 18n - a * nanoPerUsd * 10n ** BigInt(decimals);
        return (x as bigint) <= (y as bigint) && error * 2n <= 10n ** 18n && error * -2n <= 10n ** 18n && places(convertUsd(-a, { nanoPerUsd }, decimals)) === -places(convertUsd(a, { nanoPerUsd }, decimals));
      }),
    );
  });
});
