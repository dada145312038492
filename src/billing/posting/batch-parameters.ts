import type { LedgerWrites, TransactionWrite } from '../../core/ledger/index.js';
import { renderPrice, type Price } from '../../core/pricing/index.js';
import type { CopyTarget, CopyWriter } from '../../platform/database/index.js';
import { ENTRY_COLUMNS, writeEntries } from './entry-columns.js';
import { requestChangeOf } from './request-rows.js';

/** Ids and times are the database's own. */
export const TRANSACTION_ROWS: CopyTarget<TransactionWrite> = {
  table: 'ledger_transactions',
  columns: ['kind', 'request_id', 'organization_id', ...ENTRY_COLUMNS],
  write: writeTransaction,
};

function writeTransaction(writer: CopyWriter, { kind, requestId, organizationId, postings }: TransactionWrite): void {
  writer.text(kind);
  writer.text(requestId);
  writer.text(organizationId);
  writeEntries(writer, postings);
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
