import type { AccountKind, Posting } from '../../core/ledger/index.js';
import type { CopyType, CopyValue } from '../../platform/database/index.js';

/** Accounts of which a transaction has at most one entry: a column each. */
const SINGLE = ['issuance', 'revenue', 'expired', 'provider_cost', 'suspense', 'loss', 'operator'] as const satisfies readonly AccountKind[];

/** The entries of a transaction, as columns of its row; the database adds them up. Credit of several grants is split beside its sum. */
export const ENTRY_COLUMNS: readonly (readonly [name: string, type: CopyType])[] = [
  ['credit', 'bigint'], ['grant_id', 'bigint'], ['split_grants', 'bigint[]'], ['split_amounts', 'bigint[]'],
  ...SINGLE.map((account) => [account, 'bigint'] as const),
];

/** In the order of `ENTRY_COLUMNS`; null where nothing moves. */
export function entryValues(postings: readonly Posting[]): CopyValue[] {
  const sums = new Map<AccountKind, bigint>();
  for (const { account, amountNanoUsd } of postings) sums.set(account, (sums.get(account) ?? 0n) + amountNanoUsd);
  const credits = postings.filter(({ account }) => account === 'credit');
  const split = credits.length > 1;
  return [
    sums.get('credit') ?? null,
    split ? null : (credits[0]?.grantId ?? null),
    split ? credits.map(({ grantId }) => grantId) : null,
    split ? credits.map(({ amountNanoUsd }) => amountNanoUsd) : null,
    // What cancels itself out is no entry: what one correction adds to suspense it may take off the cost.
    ...SINGLE.map((account) => sums.get(account) || null),
  ];
}
