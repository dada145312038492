import type { AccountKind, Posting } from '../../core/ledger/index.js';
import type { CopyType, CopyValue } from '../../platform/database/index.js';

/** Accounts of which a transaction has at most one entry: a column each. */
const SINGLE = ['issuance', 'revenue', 'expired', 'provider_cost', 'suspense', 'loss', 'operator'] as const satisfies readonly AccountKind[];

/** The entries of a transaction, as columns of its row; the database adds them up. Credit of several grants is split beside its sum. */
export const ENTRY_COLUMNS: readonly (readonly [name: string, type: CopyType])[] = [
  ['credit', 'bigint'], ['grant_id', 'bigint'], ['split_grants', 'bigint[]'], ['split_amounts', 'bigint[]'],
  ...SINGLE.map((account) => [account, 'bigint'] as const),
];

const PLACES: ReadonlyMap<string, number> = new Map(ENTRY_COLUMNS.map(([name], place) => [name, place]));
const [CREDIT, GRANT, SPLIT_GRANTS, SPLIT_AMOUNTS, FIRST_SINGLE] = [0, 1, 2, 3, 4] as const;

/** In the order of `ENTRY_COLUMNS`; null where nothing moves. */
export function entryValues(postings: readonly Posting[]): CopyValue[] {
  const values: CopyValue[] = ENTRY_COLUMNS.map(() => null);
  let creditCount = 0;
  for (const { account, grantId, amountNanoUsd } of postings) {
    const place = PLACES.get(account) as number;
    values[place] = ((values[place] as bigint | null) ?? 0n) + amountNanoUsd;
    if (place !== CREDIT) continue;
    values[GRANT] = grantId;
    creditCount += 1;
  }
  if (creditCount > 1) split(values, postings.filter(({ account }) => account === 'credit'));
  // What cancels itself out is no entry: what one correction adds to suspense it may take off the cost.
  for (let place: number = FIRST_SINGLE; place < values.length; place += 1) if (values[place] === 0n) values[place] = null;
  return values;
}

function split(values: CopyValue[], credits: readonly Posting[]): void {
  values[GRANT] = null;
  values[SPLIT_GRANTS] = credits.map(({ grantId }) => grantId);
  values[SPLIT_AMOUNTS] = credits.map(({ amountNanoUsd }) => amountNanoUsd);
}
