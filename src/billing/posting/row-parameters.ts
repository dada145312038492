import { TOKEN_CLASSES, type Usage } from '../../core/chat/usage.js';
import type { LedgerWrites, RowWrite } from '../../core/ledger/index.js';
import { PRICE_FIELDS, renderPrice, type ChargeUnits, type Price } from '../../core/pricing/index.js';

const NAME_OF = new Map(PRICE_FIELDS.map(([name, tokenClass]) => [tokenClass, name]));
const CLASS_OF = new Map(PRICE_FIELDS);

/** The parameters of `ledger_write`, in its order. `ids` are as many as there may be transactions. */
export function batchParameters(writes: LedgerWrites, ids: readonly string[], prices: readonly Price[]): unknown[] {
  const { transactions, charges } = writes;
  const entries = transactions.flatMap((transaction, index) =>
    transaction.postings.map((posting, position) => ({ ...posting, id: ids[index], position: position + 1, organizationId: transaction.organizationId })),
  );
  const ceilings = [...writes.ceilings].filter(([, change]) => change.postedNanoUsd !== 0n || change.leasedNanoUsd !== 0n);
  const leases = [...writes.leases.values()];
  const grants = [...writes.grants.values()];
  return [
    JSON.stringify(writes.rows.map(rowObject)), writes.rows.some(({ insert }) => !insert),
    transactions.map((_, index) => ids[index]), transactions.map(({ kind }) => kind),
    transactions.map(({ requestId }) => requestId), transactions.map(({ organizationId }) => organizationId),
    entries.map(({ id }) => id), entries.map(({ position }) => position), entries.map(({ account }) => account),
    entries.map(({ organizationId }) => organizationId), entries.map(({ grantId }) => grantId), entries.map(({ amountNanoUsd }) => amountNanoUsd),
    charges.map(({ requestId }) => requestId), charges.map(({ ceilingId }) => ceilingId), charges.map(({ amountNanoUsd }) => amountNanoUsd),
    ceilings.map(([id]) => id), ceilings.map(([, { postedNanoUsd }]) => postedNanoUsd), ceilings.map(([, { leasedNanoUsd }]) => leasedNanoUsd),
    leases.map(({ engineId }) => engineId), leases.map(({ number }) => number), leases.map(({ amountNanoUsd }) => amountNanoUsd),
    grants.map(({ id }) => id), grants.map(({ remainingNanoUsd }) => remainingNanoUsd),
    prices.map(({ id }) => id), prices.map((price) => JSON.stringify(renderPrice(price))),
  ];
}

/** One element of the JSON that `ledger_write` reads. */
function rowObject(row: RowWrite): Record<string, unknown> {
  const { admitted, forwarded, checkpoint, ended } = row;
  const outcome = ended?.outcome;
  const usage = outcome?.usage ?? checkpoint?.usage;
  return {
    request_id: admitted.requestId, ins: row.insert, engine_id: admitted.engineId,
    organization_id: admitted.organizationId, project_id: admitted.projectId, key_id: admitted.keyId,
    state: row.state, settled_by: row.settledBy, estimated: outcome?.estimated ?? false,
    attempts: ended?.attempts ?? forwarded?.number ?? 0,
    hold: String(admitted.holdNanoUsd), captured: String(row.capturedNanoUsd), overage: String(row.overageNanoUsd), loss: String(row.lossNanoUsd),
    worth: String(outcome?.worthNanoUsd ?? 0n), provider_cost: String(outcome?.providerCostNanoUsd ?? 0n),
    suspense: String(outcome?.suspenseNanoUsd ?? 0n), expected_cost: String(admitted.expectedCostNanoUsd),
    model: admitted.model, provider: ended?.provider ?? forwarded?.provider, upstream_model: ended?.upstreamModel ?? forwarded?.upstreamModel,
    served_model: ended?.servedModel, price_id: outcome?.priceId ?? checkpoint?.priceId,
    usage: usage === undefined ? undefined : sparseUsage(usage), units: outcome === undefined ? undefined : sparseUnits(outcome.units),
    parts: ended === null ? admitted.parts.map((part) => ({ ...part, amountNanoUsd: String(part.amountNanoUsd) })) : undefined,
    checkpoint_sequence: checkpoint?.sequence ?? 0, checkpoint_charge: checkpoint === null ? undefined : String(checkpoint.chargeNanoUsd),
    received_ms: admitted.receivedAtMs, admitted_ms: admitted.admittedAtMs, forwarded_ms: ended?.forwardedAtMs ?? forwarded?.atMs,
    first_token_ms: ended?.firstTokenAtMs, ended_ms: ended?.endedAtMs, settled: ended !== null,
  };
}

function sparseUsage(usage: Usage): Record<string, number> {
  const entries = TOKEN_CLASSES.filter((tokenClass) => usage[tokenClass] > 0).map((tokenClass) => [NAME_OF.get(tokenClass) ?? tokenClass, usage[tokenClass]] as const);
  return Object.fromEntries(entries);
}

function sparseUnits(units: ChargeUnits): Record<string, number> {
  return Object.fromEntries(Object.entries(units).filter(([, quantity]) => quantity > 0));
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
