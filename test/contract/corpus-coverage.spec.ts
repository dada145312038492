import { NOT_REPLAYED, REPLAYED_APIS } from '../support/corpus-apis.js';
import { Corpus } from '../support/upstream-simulator/index.js';

const corpus = Corpus.find();

/** Every recording is replayed, or its API is listed with the reason why not: a new API in the recordings fails this test. */
(corpus === null ? describe.skip : describe)('the recordings', () => {
  it('are each replayed, or left out for a stated reason', () => {
    const known = new Set([...REPLAYED_APIS, ...Object.keys(NOT_REPLAYED)]);
    expect((corpus as Corpus).apis().filter((api) => !known.has(api))).toEqual([]);
    const left = Object.keys(NOT_REPLAYED).reduce((sum, api) => sum + (corpus as Corpus).list(api).length, 0);
    process.stdout.write(`corpus: ${(corpus as Corpus).size - left} of ${(corpus as Corpus).size} exchanges are replayed; ${left} belong to ${Object.keys(NOT_REPLAYED).length} APIs that are not served\n`);
  });
});

it('no API is both', () => {
  expect(REPLAYED_APIS.filter((api) => api in NOT_REPLAYED)).toEqual([]);
  for (const reason of Object.values(NOT_REPLAYED)) expect(reason.length).toBeGreaterThan(20);
});
