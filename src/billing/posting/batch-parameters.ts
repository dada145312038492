import type { LedgerWrites, TransactionWrite } from '../../core/ledger/index.js';
import { renderPrice, type Price } from '../../core/pricing/index.js';
import type { CopyRow, CopyTarget, CopyValue } from '../../platform/database/index.js';
import { ENTRY_COLUMNS, entryValues } from './entry-columns.js';
import { requestChangeOf } from './request-rows.js';

/** Ids and times are the database's own. */
export const TRANSACTION_ROWS: CopyTarget = {
  table: 'ledger_transactions',
  columns: [['kind', 'text'], ['request_id', 'text'], ['organization_id', 'text'], ...ENTRY_COLUMNS],
};

export function transactionRowOf({ kind, requestId, organizationId, postings }: TransactionWrite): CopyRow {
  return ([kind, requestId, organizationId] as CopyValue[]).concat(entryValues(postings));
}

/** The parameters of `ledger_write`, in its order: all that changes; what is new is copied. */
export function changeParameters(writes: LedgerWrites, prices: readonly Price[]): unknown[] {
  const { charges } = writes;
  const ceilings = [...writes.ceilings].filter(([, change]) => change.postedNanoUsd !== 0n || change.leasedNanoUsd !== 0n);
  const leases = [...writes.leases.values()];
  const grants = [...writes.grants.values()];
  const changed = writes.rows.filter(({ insert }) => !insert);
  return [
    changed.length === 0 ? null : JSON.stringify(changed.map(requestChangeOf)),
    charges.map(({ requestId }) => requestId), charges.map(({ ceilingId }) => ceilingId), charges.map(({ amountNanoUsd }) => amountNanoUsd),
    ceilings.map(([id]) => id), ceilings.map(([, { postedNanoUsd }]) => postedNanoUsd), ceilings.map(([, { leasedNanoUsd }]) => leasedNanoUsd),
    leases.map(({ engineId }) => engineId), leases.map(({ number }) => number), leases.map(({ amountNanoUsd }) => amountNanoUsd),
    grants.map(({ id }) => id), grants.map(({ remainingNanoUsd }) => remainingNanoUsd),
    prices.map(({ id }) => id), prices.map((price) => JSON.stringify(renderPrice(price))),
  ];
}
