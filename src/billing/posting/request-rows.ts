import { TOKEN_CLASSES, type Usage } from '../../core/chat/usage.js';
import type { RowWrite } from '../../core/ledger/index.js';
import { PRICE_FIELDS, type ChargeUnits } from '../../core/pricing/index.js';
import type { CopyRow, CopyTarget, CopyType, CopyValue } from '../../platform/database/index.js';

const NAME_OF = new Map(PRICE_FIELDS.map(([name, tokenClass]) => [tokenClass, name]));
const CLASS_OF = new Map(PRICE_FIELDS);

type Column = readonly [name: string, type: CopyType, value: (row: RowWrite) => CopyValue];

const REQUEST_ID: Column = ['request_id', 'text', ({ admitted }) => admitted.requestId];

/** Columns of `ledger_requests` that a request is admitted with, each with what a row has for it. */
const GIVEN: readonly Column[] = [
  REQUEST_ID,
  ['engine_id', 'bigint', ({ admitted }) => admitted.engineId],
  ['organization_id', 'text', ({ admitted }) => admitted.organizationId],
  ['project_id', 'text', ({ admitted }) => admitted.projectId],
  ['key_id', 'text', ({ admitted }) => admitted.keyId],
  ['model', 'text', ({ admitted }) => admitted.model],
  ['hold', 'bigint', ({ admitted }) => admitted.holdNanoUsd],
  ['expected_cost', 'bigint', ({ admitted }) => admitted.expectedCostNanoUsd],
  ['received_at', 'timestamptz', ({ admitted }) => admitted.receivedAtMs],
  ['admitted_at', 'timestamptz', ({ admitted }) => admitted.admittedAtMs],
];

/** Columns that change until it has ended; what is undefined stays what it is in the database. */
const CHANGING: readonly Column[] = [
  ['state', 'text', ({ state }) => state],
  ['settled_by', 'text', ({ settledBy }) => settledBy],
  ['estimated', 'boolean', ({ ended }) => ended?.outcome.estimated ?? false],
  ['attempts', 'integer', ({ ended, forwarded }) => ended?.attempts ?? forwarded?.number ?? 0],
  ['captured', 'bigint', ({ capturedNanoUsd }) => capturedNanoUsd],
  ['overage', 'bigint', ({ overageNanoUsd }) => overageNanoUsd],
  ['loss', 'bigint', ({ lossNanoUsd }) => lossNanoUsd],
  ['worth', 'bigint', ({ ended }) => ended?.outcome.worthNanoUsd ?? 0n],
  ['provider_cost', 'bigint', ({ ended }) => ended?.outcome.providerCostNanoUsd ?? 0n],
  ['suspense', 'bigint', ({ ended }) => ended?.outcome.suspenseNanoUsd ?? 0n],
  ['provider', 'text', ({ ended, forwarded }) => (ended === null ? forwarded?.provider : ended.provider)],
  ['upstream_model', 'text', ({ ended, forwarded }) => (ended === null ? forwarded?.upstreamModel : ended.upstreamModel)],
  ['served_model', 'text', ({ ended }) => ended?.servedModel],
  ['price_id', 'text', ({ ended, checkpoint }) => (ended === null ? checkpoint?.priceId : ended.outcome.priceId)],
  ['usage', 'jsonb', ({ ended, checkpoint }) => sparseUsage(ended === null ? checkpoint?.usage : ended.outcome.usage)],
  ['units', 'jsonb', ({ ended }) => (ended === null ? undefined : sparseUnits(ended.outcome.units))],
  ['parts', 'jsonb', ({ ended, admitted }) => (ended === null ? JSON.stringify(admitted.parts.map((part) => ({ ...part, amountNanoUsd: String(part.amountNanoUsd) }))) : undefined)],
  ['checkpoint_sequence', 'integer', ({ checkpoint }) => checkpoint?.sequence ?? 0],
  ['checkpoint_charge', 'bigint', ({ checkpoint }) => checkpoint?.chargeNanoUsd],
  ['forwarded_at', 'timestamptz', ({ ended, forwarded }) => ended?.forwardedAtMs ?? forwarded?.atMs],
  ['first_token_at', 'timestamptz', ({ ended }) => ended?.firstTokenAtMs],
  ['ended_at', 'timestamptz', ({ ended }) => ended?.endedAtMs],
];

const COLUMNS = [...GIVEN, ...CHANGING];

/** Rows that are new. `settled_at` is the database's time. */
export const REQUEST_ROWS: CopyTarget = {
  table: 'ledger_requests',
  columns: [...COLUMNS.map(([name, type]) => [name, type] as const), ['settled_at', 'timestamptz']],
};

export function requestRowOf(row: RowWrite, nowMs: number): CopyRow {
  return [...COLUMNS.map(([, , value]) => value(row)), row.ended === null ? null : nowMs];
}

/** A row that is there already, as one element of the JSON that `ledger_write` reads: by column, money as text, times in milliseconds. */
export function requestChangeOf(row: RowWrite): Record<string, unknown> {
  const change: Record<string, unknown> = { settled: row.ended !== null };
  for (const [name, , value] of [REQUEST_ID, ...CHANGING]) {
    const now = value(row);
    change[name] = typeof now === 'bigint' ? String(now) : now;
  }
  return change;
}

function sparseUsage(usage: Usage | undefined): string | undefined {
  if (usage === undefined) return undefined;
  const sparse: Record<string, number> = {};
  for (const tokenClass of TOKEN_CLASSES) if (usage[tokenClass] > 0) sparse[NAME_OF.get(tokenClass) ?? tokenClass] = usage[tokenClass];
  return JSON.stringify(sparse);
}

function sparseUnits(units: ChargeUnits): string {
  return JSON.stringify(Object.fromEntries(Object.entries(units).filter(([, quantity]) => quantity > 0)));
}

/** What `usage` and `units` of a row say, back in the core's shape. */
export function readUsage(stored: Record<string, number> | null): Usage {
  const usage = Object.fromEntries(TOKEN_CLASSES.map((tokenClass) => [tokenClass, 0])) as unknown as Usage;
  for (const [name, count] of Object.entries(stored ?? {})) {
    const tokenClass = CLASS_OF.get(name);
    if (tokenClass !== undefined) usage[tokenClass] = count;
  }
  return usage;
}

export function readUnits(stored: Partial<ChargeUnits> | null): ChargeUnits {
  return { requests: stored?.requests ?? 0, images: stored?.images ?? 0, seconds: stored?.seconds ?? 0 };
}
