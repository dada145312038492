import fc from 'fast-check';
import { GatewayError } from '../errors/gateway-error.js';
import { parsePricePlan, priceAt, priceHoldsUntilMs, renderPricePlan } from './index.js';

const at = (text: string): number => Date.parse(text);
const inputAt = (document: unknown, time: string): string | null => {
  const price = priceAt(parsePricePlan(document, 'price'), at(time));
  return price === null ? null : String((price.tokens.input ?? 0n) / 1_000_000n);
};

const OFF_PEAK = {
  input: '2',
  output: '4',
  windows: [
    { from: '16:30', to: '00:30', input: '1', output: '2' },
    { days: [0, 6], timezone: 'Asia/Seoul', input: '1.5', output: '3' },
  ],
};
const VERSIONS = [
  { input: '3', output: '9', effective_from: '2026-12-01T00:00:00+09:00' },
  { input: '1', output: '9' },
  { input: '2', output: '9', effective_from: '2026-06-01' },
];

describe('prices over time', () => {
  it.each([
    ['2026-11-25T16:29:59Z', '2000'],
    ['2026-11-25T16:30:00Z', '1000'],
    ['2026-11-26T00:29:59Z', '1000'],
    ['2026-11-26T00:30:00Z', '2000'],
    // Friday evening in London is Saturday in Seoul.
    ['2026-11-27T15:00:00Z', '1500'],
    ['2026-11-27T16:30:00Z', '1000'],
  ])('a window has its own price: %s', (time, input) => expect(inputAt(OFF_PEAK, time)).toBe(input));

  it.each([
    ['2020-01-01T00:00:00Z', '1000'],
    ['2026-05-31T23:59:59.999Z', '1000'],
    ['2026-06-01T00:00:00Z', '2000'],
    ['2026-11-30T14:59:59Z', '2000'],
    ['2026-11-30T15:00:00Z', '3000'],
  ])('versions are in force by date, however they are listed: %s', (time, input) => expect(inputAt(VERSIONS, time)).toBe(input));

  it('before its first version a model has no price', () => expect(inputAt(VERSIONS[0], '2026-11-01T00:00:00Z')).toBeNull());

  it('keeps to the wall clock over the change to winter time', () => {
    const document = { input: '2', output: '2', windows: [{ from: '08:00', to: '20:00', timezone: 'Europe/Berlin', input: '9', output: '9' }] };
    expect([inputAt(document, '2026-10-24T06:00:00Z'), inputAt(document, '2026-10-25T06:30:00Z'), inputAt(document, '2026-10-25T07:00:00Z')]).toEqual(['9000', '2000', '9000']);
  });

  it('renders to a document that parses to the same prices', () => {
    for (const document of [OFF_PEAK, VERSIONS, 'free', { input: '1', output: '1' }]) {
      const plan = parsePricePlan(document, 'price');
      expect(parsePricePlan(renderPricePlan(plan), 'price').versions.map(({ price, windows }) => [price.id, windows.map((window) => window.price.id)])).toEqual(
        plan.versions.map(({ price, windows }) => [price.id, windows.map((window) => window.price.id)]),
      );
    }
    expect(renderPricePlan(parsePricePlan(OFF_PEAK, 'price'))).toEqual(OFF_PEAK);
  });

  it('says truly until when a price holds', () => {
    const plans = [OFF_PEAK, VERSIONS, [{ ...OFF_PEAK }, { ...OFF_PEAK, input: '5', effective_from: '2026-11-26T12:00:30Z' }]].map((document) => parsePricePlan(document, 'price'));
    fc.assert(
      fc.property(fc.constantFrom(...plans), fc.integer({ min: at('2026-11-24T00:00:00Z'), max: at('2026-12-02T00:00:00Z') }), fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (plan, nowMs, share) => {
        const untilMs = Math.min(priceHoldsUntilMs(plan, nowMs), nowMs + 86_400_000);
        return untilMs > nowMs && priceAt(plan, nowMs)?.id === priceAt(plan, nowMs + Math.floor((untilMs - nowMs) * share))?.id;
      }),
      { numRuns: 500 },
    );
    expect(priceHoldsUntilMs(parsePricePlan({ input: '1', output: '1' }, 'p'), 0)).toBe(Infinity);
  });

  it.each([
    [[], 'price'],
    [[{ input: '1', output: '1' }, { input: '2', output: '2' }], 'price[1].effective_from'],
    [{ input: '1', output: '1', windows: 'always' }, 'price.windows'],
    [{ input: '1', output: '1', windows: [{ input: '1', output: '1' }] }, 'price.windows[0]'],
    [{ input: '1', output: '1', windows: [{ from: '25:00', to: '26:00', input: '1', output: '1' }] }, 'price.windows[0].from'],
    [{ input: '1', output: '1', windows: [{ days: [7], input: '1', output: '1' }] }, 'price.windows[0].days[0]'],
    [{ input: '1', output: '1', windows: [{ days: [1], timezone: 'KST', input: '1', output: '1' }] }, 'price.windows[0].timezone'],
    [{ input: '1', output: '1', windows: [{ days: [1], input: '-1', output: '1' }] }, 'price.windows[0].input'],
    [{ input: '1', output: '1', windows: [{ days: [1], input: '1', output: '1', effective_from: '2026-01-01' }] }, 'price.windows[0].effective_from'],
  ])('%j is refused at its path', (document, param) => {
    expect.assertions(1);
    try {
      parsePricePlan(document, 'price');
    } catch (error) {
      expect(error instanceof GatewayError && [error.code, error.param]).toEqual(['invalid_request', param]);
    }
  });
});
