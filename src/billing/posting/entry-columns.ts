import type { AccountKind, Posting } from '../../core/ledger/index.js';
import type { CopyWriter } from '../../platform/database/index.js';

/** Accounts of which a transaction has at most one entry: a column each. */
const SINGLE = ['issuance', 'revenue', 'expired', 'provider_cost', 'suspense', 'loss', 'operator'] as const satisfies readonly AccountKind[];

/** The entries of a transaction, as columns of its row; the database adds them up. Credit of several grants is split beside its sum. */
export const ENTRY_COLUMNS: readonly string[] = ['credit', 'grant_id', 'split_grants', 'split_amounts', ...SINGLE];

const PLACES: ReadonlyMap<string, number> = new Map(SINGLE.map((account, place) => [account, place]));

/** What the columns say; null where nothing moves. */
interface Entries {
  credit: bigint | null;
  grantId: number | null;
  splitGrants: (number | null)[] | null;
  splitAmounts: bigint[] | null;
  /** In the order of `SINGLE`. */
  readonly single: (bigint | null)[];
}

/** In the order of `ENTRY_COLUMNS`. */
export function entryValues(postings: readonly Posting[]): unknown[] {
  const { credit, grantId, splitGrants, splitAmounts, single } = entriesOf(postings);
  return [credit, grantId, splitGrants, splitAmounts, ...single];
}

/** The same into a copy. */
export function writeEntries(writer: CopyWriter, postings: readonly Posting[]): void {
  const { credit, grantId, splitGrants, splitAmounts, single } = entriesOf(postings);
  writer.bigint(credit);
  writer.bigint(grantId);
  writer.bigints(splitGrants);
  writer.bigints(splitAmounts);
  for (const amount of single) writer.bigint(amount);
}

function entriesOf(postings: readonly Posting[]): Entries {
  const entries: Entries = { credit: null, grantId: null, splitGrants: null, splitAmounts: null, single: [null, null, null, null, null, null, null] };
  const { single } = entries;
  let creditCount = 0;
  for (const { account, grantId, amountNanoUsd } of postings) {
    if (account === 'credit') {
      entries.credit = (entries.credit ?? 0n) + amountNanoUsd;
      entries.grantId = grantId;
      creditCount += 1;
    } else {
      const place = PLACES.get(account) as number;
      single[place] = sum(single[place] as bigint | null, amountNanoUsd);
    }
  }
  if (creditCount > 1) split(entries, postings);
  return entries;
}

/** What cancels itself out is no entry: what one correction adds to suspense it may take off the cost. */
function sum(before: bigint | null, amount: bigint): bigint | null {
  const total = before === null ? amount : before + amount;
  return total === 0n ? null : total;
}

function split(entries: Entries, postings: readonly Posting[]): void {
  const credits = postings.filter(({ account }) => account === 'credit');
  entries.grantId = null;
  entries.splitGrants = credits.map(({ grantId }) => grantId);
  entries.splitAmounts = credits.map(({ amountNanoUsd }) => amountNanoUsd);
}
