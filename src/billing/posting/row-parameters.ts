import { TOKEN_CLASSES, type Usage } from '../../core/chat/usage.js';
import type { LedgerWrites, RowWrite } from '../../core/ledger/index.js';
import { PRICE_FIELDS, renderPrice, type ChargeUnits, type Price } from '../../core/pricing/index.js';

const NAME_OF = new Map(PRICE_FIELDS.map(([name, tokenClass]) => [tokenClass, name]));
const CLASS_OF = new Map(PRICE_FIELDS);
const NO_MONEY = { worthNanoUsd: 0n, providerCostNanoUsd: 0n, suspenseNanoUsd: 0n };

/**
 * The parameters of `ledger_write`, in its order. `ids` are as many as there may be transactions. Arrays are written as
 * PostgreSQL's literals here: pg's own way to them takes more memory than all the rest of a request.
 */
export function batchParameters(writes: LedgerWrites, ids: readonly string[], prices: readonly Price[]): unknown[] {
  const { transactions, charges } = writes;
  const entries = transactions.flatMap((transaction, index) =>
    transaction.postings.map((posting, position) => ({ ...posting, id: ids[index], position: position + 1, organizationId: transaction.organizationId })),
  );
  const ceilings = [...writes.ceilings].filter(([, change]) => change.postedNanoUsd !== 0n || change.leasedNanoUsd !== 0n);
  const leases = [...writes.leases.values()];
  const grants = [...writes.grants.values()];
  return [
    `[${writes.rows.map(rowText).join(',')}]`, writes.rows.some(({ insert }) => !insert),
    literal(transactions, (_, index) => ids[index]), literal(transactions, ({ kind }) => kind),
    literal(transactions, ({ requestId }) => requestId), literal(transactions, ({ organizationId }) => organizationId),
    literal(entries, ({ id }) => id), literal(entries, ({ position }) => position), literal(entries, ({ account }) => account),
    literal(entries, ({ organizationId }) => organizationId), literal(entries, ({ grantId }) => grantId), literal(entries, ({ amountNanoUsd }) => amountNanoUsd),
    literal(charges, ({ requestId }) => requestId), literal(charges, ({ ceilingId }) => ceilingId), literal(charges, ({ amountNanoUsd }) => amountNanoUsd),
    literal(ceilings, ([id]) => id), literal(ceilings, ([, { postedNanoUsd }]) => postedNanoUsd), literal(ceilings, ([, { leasedNanoUsd }]) => leasedNanoUsd),
    literal(leases, ({ engineId }) => engineId), literal(leases, ({ number }) => number), literal(leases, ({ amountNanoUsd }) => amountNanoUsd),
    literal(grants, ({ id }) => id), literal(grants, ({ remainingNanoUsd }) => remainingNanoUsd),
    literal(prices, ({ id }) => id), literal(prices, (price) => JSON.stringify(renderPrice(price))),
  ];
}

type Element = string | number | bigint | null | undefined;

/** An array as PostgreSQL reads it. */
export function literal<T>(items: readonly T[], elementOf: (item: T, index: number) => Element): string {
  let text = '';
  for (let index = 0; index < items.length; index += 1) {
    const element = elementOf(items[index] as T, index);
    text += `${index === 0 ? '' : ','}${typeof element === 'string' ? quoted(element) : String(element ?? 'NULL')}`;
  }
  return `{${text}}`;
}

const quoted = (text: string): string => `"${text.includes('"') || text.includes('\\') ? text.replace(/["\\]/g, '\\$&') : text}"`;

/** One element of the JSON that `ledger_write` reads; what is undefined stays what it is in the database. */
function rowText(row: RowWrite): string {
  const members = (part: Record<string, unknown>): string => JSON.stringify(part).slice(1, -1);
  return `{${members(identityOf(row))},${members(moneyOf(row))},${members(servingOf(row))},${members(progressOf(row))}}`;
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
  const sparse: Record<string, number> = {};
  for (const tokenClass of TOKEN_CLASSES) if (usage[tokenClass] > 0) sparse[NAME_OF.get(tokenClass) ?? tokenClass] = usage[tokenClass];
  return sparse;
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
