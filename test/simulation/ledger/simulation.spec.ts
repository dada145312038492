import { LeaseNumbers } from '../../../src/billing/holds/lease-numbers.js';
import { LeaseBook } from '../../../src/core/ledger/index.js';
import { simulate } from './simulation.js';

jest.setTimeout(60_000);

/** A moment of it; `test/simulation/ledger/run.ts` runs twenty seeds of ten thousand requests. */
const SEEDS = [1, 2, 3];
const REQUEST_COUNT = 1_200;
/** A bug that shows in one short run of three is looked for in so many of the twenty default seeds. */
const SEARCHED_SEEDS = 12;

describe('simulated ledger', () => {
  it.each(SEEDS.flatMap((seed) => [{ seed, strict: true }, { seed, strict: false }]))('keeps every invariant after every step: %o', async ({ seed, strict }) => {
    const result = await simulate({ seed, strict, requestCount: REQUEST_COUNT });
    expect(result.admittedCount).toBeGreaterThan(REQUEST_COUNT / 4);
    expect(result.refusedCount).toBeGreaterThan(10);
    expect(result.unavailableCount).toBeGreaterThan(10);
    expect(result.killCount).toBeGreaterThan(0);
    expect(result.carvedCount > result.admittedCount / 3).toBe(!strict);
  });

  it('tells the same story twice', async () => {
    const options = { seed: 4, strict: false, requestCount: 400 };
    expect(await simulate(options)).toEqual(await simulate(options));
  });
});

describe('the simulation finds a planted bug', () => {
  async function find(plant: Partial<Parameters<typeof simulate>[0]>): Promise<string> {
    for (let seed = 1; seed <= SEARCHED_SEEDS; seed += 1) {
      for (const strict of [false, true]) {
        try {
          await simulate({ seed, strict, requestCount: REQUEST_COUNT, ...plant });
        } catch (error) {
          return (error as Error).message;
        }
      }
    }
    return 'nothing';
  }

  afterEach(() => jest.restoreAllMocks());

  it.each([
    ['the database posts a request again', 'posts-twice', /I06/],
    ['a return takes what is held, too', 'gives-back-holds', /I11/],
    ['a budget that refuses is overlooked', 'forgets-budget', /I11|I02/],
    ['grants are not burned', 'burns-nothing', /I15/],
  ] as const)('%s', async (_means, bug, message) => expect(await find({ bug })).toMatch(message));

  it('an engine carves behind the fence', async () => expect(await find({ settings: { fenceMs: 60_000 } })).toMatch(/I11/));

  it('an engine does not hear what a posting left of its lease', async () => {
    jest.spyOn(LeaseBook.prototype, 'posted').mockImplementation(() => undefined);
    expect(await find({})).toMatch(/I03|I11|I18/);
  });

  it('an engine returns leases that are only not acknowledged yet', async () => {
    jest.spyOn(LeaseNumbers.prototype, 'inFlight').mockReturnValue([]);
    expect(await find({ settings: { unknownLeaseAgeMs: -60_000 } })).toMatch(/I11/);
  });
});
