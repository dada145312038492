import fc from 'fast-check';
import type { AccountKind, Posting } from '../../core/ledger/index.js';
import { ENTRY_COLUMNS, entryValues } from './entry-columns.js';

const ACCOUNTS: AccountKind[] = ['credit', 'revenue', 'issuance', 'expired', 'provider_cost', 'suspense', 'loss', 'operator'];
const posting: fc.Arbitrary<Posting> = fc.record(
  { account: fc.constantFrom(...ACCOUNTS), grantId: fc.option(fc.integer({ min: 1, max: 9 })), amountNanoUsd: fc.bigInt(-5n, 5n) },
  { noNullPrototype: true },
);

describe('the entries of a transaction as columns', () => {
  it('sum up each account, name the one grant or split the credit over several', () => {
    fc.assert(
      fc.property(fc.array(posting, { maxLength: 8 }), (postings) => {
        const row = Object.fromEntries(entryValues(postings).map((value, place) => [ENTRY_COLUMNS[place], value]));
        for (const account of ACCOUNTS) {
          const sum = postings.filter((one) => one.account === account).reduce((total, { amountNanoUsd }) => total + amountNanoUsd, 0n);
          expect(row[account] ?? 0n).toBe(sum);
        }
        const credits = postings.filter(({ account }) => account === 'credit');
        const isSplit = credits.length > 1;
        expect(row['grant_id']).toBe(isSplit ? null : (credits[0]?.grantId ?? null));
        expect(row['split_grants']).toEqual(isSplit ? credits.map(({ grantId }) => grantId) : null);
        expect(row['split_amounts']).toEqual(isSplit ? credits.map(({ amountNanoUsd }) => amountNanoUsd) : null);
      }),
    );
  });
});
