import fc from 'fast-check';
import { NO_USAGE, promptTokens, TOKEN_CLASSES, type TokenClass, type Usage } from '../chat/usage.js';
import { GatewayError } from '../errors/gateway-error.js';
import { cacheEffectOf, chargeFor, formatUsd, holdAmount, isBelievable, NO_UNITS, parsePrice, parseUsd, renderPrice, totalFor, unpricedClassesOf, type Price } from './index.js';

const SONNET = parsePrice({ input: '3.00', output: '15.00', cache_read: '0.30', cache_write: '3.75', cache_write_1h: '6' }, 'price');
const usageOf = (counts: Partial<Usage>): Usage => ({ ...NO_USAGE, ...counts });

describe('USD as decimal strings', () => {
  it.each([
    ['0', 0n],
    ['3.00', 3_000_000_000n],
    ['0.000000001', 1n],
    ['100000000', 100_000_000_000_000_000n],
  ])('%s is %s nano-USD', (text, nano) => expect(parseUsd(text)).toBe(nano));

  it.each([3, null, '', '-1', '+1', '1e3', '1,000', ' 1', '1.', '.5', '01', '0.0000000001', '100000000.000000001', '9'.repeat(40), 'NaN'])(
    'refuses %p',
    (value) => expect(() => parseUsd(value)).toThrow(/decimal string|at most/),
  );

  it('reads back what it writes', () => {
    fc.assert(fc.property(fc.bigInt(0n, 100_000_000_000_000_000n), (nano) => parseUsd(formatUsd(nano)) === nano));
    const amounts = [-1n, 12_500_000_000n, 0n, 1n, 120n, 999_999_999n, 1_000_000_000n, -3_000_000_010n, 2n ** 70n];
    expect(amounts.map(formatUsd)).toEqual(['-0.000000001', '12.5', '0', '0.000000001', '0.00000012', '0.999999999', '1', '-3.00000001', '1180591620717.411303424']);
  });
});

describe('prices', () => {
  it('have an id by content, whatever the spelling', () => {
    expect(parsePrice({ output: '15', input: '3' }, 'p').id).toBe(parsePrice({ input: '3.000', output: '15.00' }, 'p').id);
    expect(parsePrice({ input: '3', output: '15' }, 'p').id).not.toBe(parsePrice({ input: '3', output: '15', cache_read: '3' }, 'p').id);
    expect(parsePrice('free', 'p')).toMatchObject({ free: true });
  });

  it('render to a document that parses to the same price', () => {
    const document = {
      input: '1.25', output: '10', request: '0.005', per_image: '0.04', per_second: '0.0001',
      tiers: [{ min_prompt_tokens: 200_001, input: '2.5', output: '15' }], effective_from: '2026-01-01T00:00:00.000Z',
    };
    const price = parsePrice(document, 'p');
    expect(parsePrice(renderPrice(price), 'p')).toEqual(price);
    expect(renderPrice(price)).toEqual(document);
  });

  it.each([
    [{ input: 3, output: '15' }, 'models[0].price.input'],
    [{ input: '-3', output: '15' }, 'models[0].price.input'],
    [{ inptu: '3' }, 'models[0].price.inptu'],
    [{ output: '3' }, 'models[0].price.input'],
    [{}, 'models[0].price'],
    ['gratis', 'models[0].price'],
    [{ input: '1', output: '1', tiers: [{ min_prompt_tokens: 0 }] }, 'models[0].price.tiers[0].min_prompt_tokens'],
    [{ input: '2', output: '1', tiers: [{ min_prompt_tokens: 9, input: '1' }] }, 'models[0].price.tiers'],
    [{ input: '2', output: '1', tiers: [{ min_prompt_tokens: 9 }, { min_prompt_tokens: 9 }] }, 'models[0].price.tiers'],
    [{ input: '1000001', output: '1' }, 'models[0].price.input'],
    [{ input: '1', output: '1', effective_from: 'tomorrow' }, 'models[0].price.effective_from'],
  ])('%j is refused at its path', (document, param) => {
    expect.assertions(1);
    try {
      parsePrice(document, 'models[0].price');
    } catch (error) {
      expect(error instanceof GatewayError && [error.code, error.param]).toEqual(['invalid_request', param]);
    }
  });
});

describe('charges', () => {
  it('price each class once, exactly', () => {
    const charge = chargeFor(usageOf({ input: 1_000, cacheRead: 2_000, cacheWrite: 300, cacheWrite1h: 40, output: 500, reasoning: 70 }), SONNET, NO_UNITS);
    expect(charge.totalNanoUsd).toBe(3_000_000n + 600_000n + 1_125_000n + 240_000n + 7_500_000n + 1_050_000n);
    expect(charge.unpricedClasses).toEqual([]);
    expect(charge.lines).toContainEqual({ class: 'cache_read', quantity: 2_000, priceNanoUsd: '300000000', unit: 'per_million_tokens' });
  });

  it('round up once per request, not per class', () => {
    const price = parsePrice({ input: '0.0001', output: '0.0001' }, 'p');
    expect(chargeFor(usageOf({ input: 3, output: 4 }), price, NO_UNITS).totalNanoUsd).toBe(1n);
    expect(chargeFor(usageOf({ input: 5, output: 6 }), price, NO_UNITS).totalNanoUsd).toBe(2n);
    expect(chargeFor(NO_USAGE, price, NO_UNITS).totalNanoUsd).toBe(0n);
  });

  it('take the tier of the whole prompt for the whole request', () => {
    const price = parsePrice({ input: '1', output: '10', cache_read: '0.1', tiers: [{ min_prompt_tokens: 200_000, input: '2', output: '15' }] }, 'p');
    expect(chargeFor(usageOf({ input: 199_999, output: 1 }), price, NO_UNITS).totalNanoUsd).toBe(199_999_000n + 10_000n);
    expect(chargeFor(usageOf({ input: 100_000, cacheRead: 100_000, output: 1 }), price, NO_UNITS).totalNanoUsd).toBe(200_000_000n + 10_000_000n + 15_000n);
  });

  it('charge what has no price of its own as input or output, and say so', () => {
    const price = parsePrice({ input: '1', output: '2' }, 'p');
    const charge = chargeFor(usageOf({ audioIn: 10, audioOut: 10, image: 10, reasoning: 10, cacheRead: 10 }), price, NO_UNITS);
    expect(charge.totalNanoUsd).toBe(10_000n + 20_000n + 20_000n + 20_000n + 10_000n);
    expect(charge.unpricedClasses).toEqual(['audioIn', 'audioOut', 'image']);
    expect(unpricedClassesOf({ promptTokens: 1, maxOutputTokens: 1, choices: 1, imageOutput: true }, price)).toEqual(['image']);
  });

  it('never serve an answer for nothing because only the prompt is priced', () => {
    expect(chargeFor(usageOf({ output: 10, reasoning: 1 }), parsePrice({ input: '1' }, 'p'), NO_UNITS)).toMatchObject({ totalNanoUsd: 11_000n, unpricedClasses: ['output'] });
  });

  it('charge an image by the piece or by its tokens, not by both', () => {
    const price = parsePrice({ input: '1', output: '2', per_image: '0.04' }, 'p');
    expect(chargeFor(usageOf({ image: 1_000 }), price, { requests: 1, images: 1, seconds: 0 }).totalNanoUsd).toBe(40_000_000n);
    expect(chargeFor(usageOf({ image: 1_000 }), price, NO_UNITS).totalNanoUsd).toBe(2_000_000n);
  });

  it('count requests, images and seconds', () => {
    const price = parsePrice({ request: '0.01', per_image: '0.04', per_second: '0.006' }, 'p');
    expect(chargeFor(NO_USAGE, price, { requests: 1, images: 2, seconds: 1.5 }).totalNanoUsd).toBe(10_000_000n + 80_000_000n + 9_000_000n);
  });

  it('stay exact at 2^53 and refuse to believe what is not a count', () => {
    const most = Number.MAX_SAFE_INTEGER;
    expect(chargeFor(usageOf({ output: most }), SONNET, NO_UNITS).totalNanoUsd).toBe((BigInt(most) * 15_000_000_000n + 999_999n) / 1_000_000n);
    for (const bad of [-1, 1.5, Number.NaN, Infinity, 2 ** 53]) expect(isBelievable(usageOf({ input: bad }))).toBe(false);
    expect(isBelievable(usageOf({ input: most }))).toBe(true);
  });
});

describe('properties', () => {
  const rate = fc.bigInt(0n, 10n ** 12n).map((nano) => formatUsd(nano));
  const price: fc.Arbitrary<Price> = fc
    .record({ input: rate, output: rate, cache_read: rate, cache_write: rate, reasoning: rate }, { requiredKeys: ['input', 'output'] })
    .chain((base) => fc.tuple(fc.constant(base), fc.integer({ min: 1, max: 3_000 })))
    .map(([base, from]) => parsePrice({ ...base, tiers: [{ min_prompt_tokens: from, input: '1000000', output: '1000000' }] }, 'p'));
  const usage = fc.record(Object.fromEntries(TOKEN_CLASSES.map((name) => [name, fc.nat(2_000)]))) as unknown as fc.Arbitrary<Usage>;

  it('a charge never falls when a count rises, and is never negative (I14)', () => {
    fc.assert(
      fc.property(price, usage, fc.constantFrom(...TOKEN_CLASSES), fc.nat(2_000), (p, u, tokenClass, more) => {
        const before = chargeFor(u, p, NO_UNITS).totalNanoUsd;
        const after = chargeFor({ ...u, [tokenClass]: u[tokenClass] + more }, p, NO_UNITS).totalNanoUsd;
        return before >= 0n && after >= before;
      }),
      { numRuns: 500 },
    );
  });

  it('each class is charged at its own rate or at the one it falls back to, of the tier of the whole prompt', () => {
    const FALLBACKS: Partial<Record<TokenClass, TokenClass>> = {
      output: 'input', reasoning: 'output', cacheRead: 'input', cacheWrite: 'input', cacheWrite1h: 'input', audioIn: 'input', audioOut: 'output', image: 'output',
    };
    const rateIn = (tokens: Price['tokens'], tokenClass: TokenClass): bigint => {
      const fallback = FALLBACKS[tokenClass];
      return tokens[tokenClass] ?? (fallback === undefined ? 0n : rateIn(tokens, fallback));
    };
    fc.assert(
      fc.property(price, usage, (p, u) => {
        const tokens = p.tiers.filter(({ minPromptTokens }) => promptTokens(u) >= minPromptTokens).reduce((all, tier) => ({ ...all, ...tier.tokens }), p.tokens);
        const millionths = TOKEN_CLASSES.reduce((sum, tokenClass) => sum + BigInt(u[tokenClass]) * rateIn(tokens, tokenClass), 0n);
        expect(chargeFor(u, p, NO_UNITS).totalNanoUsd).toBe((millionths + 999_999n) / 1_000_000n);
        expect(totalFor(u, p, NO_UNITS)).toBe((millionths + 999_999n) / 1_000_000n);
      }),
    );
  });

  it('one rounding: the total is the ceiling of the exact sum of its lines', () => {
    fc.assert(
      fc.property(price, usage, (p, u) => {
        const { totalNanoUsd, lines } = chargeFor(u, p, NO_UNITS);
        const exact = lines.reduce((sum, line) => sum + BigInt(line.quantity) * BigInt(line.priceNanoUsd), 0n);
        return totalNanoUsd * 1_000_000n >= exact && totalNanoUsd * 1_000_000n < exact + 1_000_000n;
      }),
    );
  });

  it('a hold covers every answer within its bounds, and n multiplies it', () => {
    fc.assert(
      fc.property(price, fc.nat(1_000), fc.nat(500), fc.integer({ min: 1, max: 8 }), fc.double({ min: 0, max: 1, noNaN: true }), (p, prompt, output, n, share) => {
        const held = holdAmount({ promptTokens: prompt, maxOutputTokens: output, choices: n }, p);
        const cached = Math.floor(prompt * share);
        const reasoning = Math.floor(output * n * share);
        const used = usageOf({ input: prompt - cached, cacheWrite: cached, reasoning, output: output * n - reasoning });
        const single = holdAmount({ promptTokens: 0, maxOutputTokens: output, choices: 1 }, p);
        const several = holdAmount({ promptTokens: 0, maxOutputTokens: output, choices: n }, p);
        return chargeFor(used, p, NO_UNITS).totalNanoUsd <= held && several <= single * BigInt(n) && several > (single - 1n) * BigInt(n) - 1n;
      }),
      { numRuns: 500 },
    );
    expect(holdAmount({ promptTokens: 10, maxOutputTokens: 0, choices: 1 }, SONNET)).toBe(66_000n);
  });
});

describe('what a prompt cache does to a charge', () => {
  const count = fc.integer({ min: 0, max: 2_000_000 });
  const usage = fc.record({ input: count, cacheRead: count, cacheWrite: count, cacheWrite1h: count, output: count }).map(usageOf);

  it('is the difference to the same prompt without one', () => {
    fc.assert(
      fc.property(usage, (used) => {
        const { savedNanoUsd, surchargeNanoUsd } = cacheEffectOf(used, SONNET);
        const without = usageOf({ output: used.output, input: used.input + used.cacheRead + used.cacheWrite + used.cacheWrite1h });
        const difference = chargeFor(without, SONNET, NO_UNITS).totalNanoUsd - chargeFor(used, SONNET, NO_UNITS).totalNanoUsd;
        const apart = difference - (savedNanoUsd - surchargeNanoUsd);
        return savedNanoUsd >= 0n && surchargeNanoUsd >= 0n && apart >= -2n && apart <= 2n;
      }),
    );
  });
  it('is nothing where nothing is cached, priced or charged', () => {
    const cached = usageOf({ cacheRead: 1_000_000 });
    expect([cacheEffectOf(cached, SONNET), cacheEffectOf(usageOf({ input: 9 }), SONNET), cacheEffectOf(cached, null), cacheEffectOf(cached, parsePrice('free', 'p'))]).toEqual([
      { savedNanoUsd: 2_700_000_000n, surchargeNanoUsd: 0n },
      ...Array.from({ length: 3 }, () => ({ savedNanoUsd: 0n, surchargeNanoUsd: 0n })),
    ]);
  });
});
