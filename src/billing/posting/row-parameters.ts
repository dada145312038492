import { TOKEN_CLASSES, type Usage } from '../../core/chat/usage.js';
import type { LedgerWrites, RowWrite } from '../../core/ledger/index.js';
import { PRICE_FIELDS, renderPrice, type ChargeUnits, type Price } from '../../core/pricing/index.js';

const NAME_OF = new Map(PRICE_FIELDS.map(([name, tokenClass]) => [tokenClass, name]));
const CLASS_OF = new Map(PRICE_FIELDS);
const NO_MONEY = { worthNanoUsd: 0n, providerCostNanoUsd: 0n, suspenseNanoUsd: 0n };

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

/** One element of the JSON that `ledger_write` reads; what is undefined stays what it is in the database. */
function rowObject(row: RowWrite): Record<string, unknown> {
  return { ...identityOf(row), ...moneyOf(row), ...servingOf(row), ...progressOf(row) };
}

function identityOf({ admitted, insert, state, settledBy }: RowWrite): Record<string, unknown> {
  const { requestId, engineId, organizationId, projectId, keyId, model } = admitted;
  return {
    request_id: requestId, ins: insert, engine_id: engineId, organization_id: organizationId, project_id: projectId, key_id: keyId,
    model, state, settled_by: settledBy,
  };
}

function moneyOf(row: RowWrite): Record<string, unknown> {
  const { holdNanoUsd, expectedCostNanoUsd } = row.admitted;
  const { worthNanoUsd, providerCostNanoUsd, suspenseNanoUsd } = row.ended?.outcome ?? NO_MONEY;
  return {
    hold: String(holdNanoUsd), captured: String(row.capturedNanoUsd), overage: String(row.overageNanoUsd), loss: String(row.lossNanoUsd),
    worth: String(worthNanoUsd), provider_cost: String(providerCostNanoUsd), suspense: String(suspenseNanoUsd), expected_cost: String(expectedCostNanoUsd),
  };
}

function servingOf({ forwarded, checkpoint, ended }: RowWrite): Record<string, unknown> {
  if (ended === null) {
    const charged = checkpoint === null ? {} : { price_id: checkpoint.priceId, usage: sparseUsage(checkpoint.usage) };
    return { estimated: false, attempts: forwarded?.number ?? 0, provider: forwarded?.provider, upstream_model: forwarded?.upstreamModel, ...charged };
  }
  const { estimated, priceId, usage, units } = ended.outcome;
  return {
    estimated, attempts: ended.attempts, provider: ended.provider, upstream_model: ended.upstreamModel, served_model: ended.servedModel,
    price_id: priceId, usage: sparseUsage(usage), units: sparseUnits(units),
  };
}

function progressOf({ admitted, forwarded, checkpoint, ended }: RowWrite): Record<string, unknown> {
  const end = ended === null ? {} : { forwarded_ms: ended.forwardedAtMs ?? forwarded?.atMs, first_token_ms: ended.firstTokenAtMs, ended_ms: ended.endedAtMs };
  return {
    parts: ended === null ? admitted.parts.map((part) => ({ ...part, amountNanoUsd: String(part.amountNanoUsd) })) : undefined,
    checkpoint_sequence: checkpoint?.sequence ?? 0, checkpoint_charge: checkpoint === null ? undefined : String(checkpoint.chargeNanoUsd),
    received_ms: admitted.receivedAtMs, admitted_ms: admitted.admittedAtMs, forwarded_ms: forwarded?.atMs, ...end, settled: ended !== null,
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
