import { TOKEN_CLASSES, type Usage } from '../../core/chat/usage.js';
import { writeUsed, writeUsedClasses } from '../../core/chat/usage-json.js';
import { JsonBytes, member } from '../../core/json/index.js';
import type { EndedRecord, RowWrite } from '../../core/ledger/index.js';
import { PRICE_FIELDS, type ChargeUnits } from '../../core/pricing/index.js';
import { RepeatedTexts, type CopyTarget, type CopyWriter } from '../../platform/database/index.js';

const CLASS_OF = new Map(PRICE_FIELDS);

const COLUMNS = [
  'request_id', 'engine_id', 'key_id', 'organization_id', 'project_id', 'model', 'hold', 'expected_cost', 'received_at', 'admitted_at',
  'state', 'settled_by', 'estimated', 'attempts', 'captured', 'overage', 'loss', 'worth', 'provider_cost', 'suspense',
  'served_model', 'provider', 'upstream_model', 'price_id', 'usage', 'units', 'parts', 'checkpoint_sequence', 'checkpoint_charge',
  'forwarded_at', 'first_token_at', 'ended_at', 'settled_at',
];

const OWNERS = new RepeatedTexts();
const SERVERS = new RepeatedTexts();

/** Rows that are new. @param nowMs the database's time */
export function requestRows(nowMs: number): CopyTarget<RowWrite> {
  return { table: 'ledger_requests', columns: COLUMNS, write: (writer, row) => writeRow(writer, row, nowMs) };
}

function writeRow(writer: CopyWriter, row: RowWrite, nowMs: number): void {
  const { admitted, ended } = row;
  writer.text(admitted.requestId);
  writer.bigint(admitted.engineId);
  writer.repeated(OWNERS, [admitted.keyId, admitted.organizationId, admitted.projectId]);
  writer.text(admitted.model);
  writer.bigint(admitted.holdNanoUsd);
  writer.bigint(admitted.expectedCostNanoUsd);
  writer.timestamptz(admitted.receivedAtMs);
  writer.timestamptz(admitted.admittedAtMs);
  writeChanging(writer, changingOf(row));
  writer.timestamptz(ended === null ? null : nowMs);
}

/** Columns that change until the request has ended, by their names; what is undefined stays what it is in the database. */
interface Changing {
  state: RowWrite['state'];
  settled_by: RowWrite['settledBy'];
  estimated: boolean;
  attempts: number;
  captured: bigint;
  overage: bigint;
  loss: bigint;
  worth: bigint;
  provider_cost: bigint;
  suspense: bigint;
  provider: string | null | undefined;
  upstream_model: string | null | undefined;
  served_model: string | null | undefined;
  price_id: string | null | undefined;
  usage: Usage | undefined;
  units: ChargeUnits | undefined;
  /** JSON, of a request that runs. */
  parts: string | undefined;
  checkpoint_sequence: number;
  checkpoint_charge: bigint | undefined;
  forwarded_at: number | null | undefined;
  first_token_at: number | null | undefined;
  ended_at: number | undefined;
}

function changingOf(row: RowWrite): Changing {
  return row.ended === null ? ofRunning(row) : ofEnded(row, row.ended);
}

function ofEnded(row: RowWrite, ended: EndedRecord): Changing {
  const { outcome } = ended;
  return {
    state: row.state,
    settled_by: row.settledBy,
    estimated: outcome.estimated,
    attempts: ended.attempts,
    captured: row.capturedNanoUsd,
    overage: row.overageNanoUsd,
    loss: row.lossNanoUsd,
    worth: outcome.worthNanoUsd,
    provider_cost: outcome.providerCostNanoUsd,
    suspense: outcome.suspenseNanoUsd,
    provider: ended.provider,
    upstream_model: ended.upstreamModel,
    served_model: ended.servedModel,
    price_id: outcome.priceId,
    usage: outcome.usage,
    units: outcome.units,
    parts: undefined,
    checkpoint_sequence: row.checkpoint === null ? 0 : row.checkpoint.sequence,
    checkpoint_charge: row.checkpoint?.chargeNanoUsd,
    forwarded_at: ended.forwardedAtMs ?? row.forwarded?.atMs,
    first_token_at: ended.firstTokenAtMs,
    ended_at: ended.endedAtMs,
  };
}

function ofRunning(row: RowWrite): Changing {
  const { admitted, checkpoint } = row;
  const forwarded = row.forwarded ?? UNSENT;
  return {
    state: row.state,
    settled_by: row.settledBy,
    estimated: false,
    attempts: forwarded.number,
    captured: row.capturedNanoUsd,
    overage: row.overageNanoUsd,
    loss: row.lossNanoUsd,
    worth: 0n,
    provider_cost: 0n,
    suspense: 0n,
    provider: forwarded.provider,
    upstream_model: forwarded.upstreamModel,
    served_model: undefined,
    price_id: checkpoint?.priceId,
    usage: checkpoint?.usage,
    units: undefined,
    parts: JSON.stringify(admitted.parts.map((part) => ({ ...part, amountNanoUsd: String(part.amountNanoUsd) }))),
    checkpoint_sequence: checkpoint?.sequence ?? 0,
    checkpoint_charge: checkpoint?.chargeNanoUsd,
    forwarded_at: forwarded.atMs,
    first_token_at: undefined,
    ended_at: undefined,
  };
}

const UNSENT = { number: 0, provider: undefined, upstreamModel: undefined, atMs: undefined };

function writeChanging(writer: CopyWriter, changing: Changing): void {
  writer.text(changing.state);
  writer.text(changing.settled_by);
  writer.boolean(changing.estimated);
  writer.integer(changing.attempts);
  writer.bigint(changing.captured);
  writer.bigint(changing.overage);
  writer.bigint(changing.loss);
  writer.bigint(changing.worth);
  writer.bigint(changing.provider_cost);
  writer.bigint(changing.suspense);
  writer.repeated(SERVERS, [changing.served_model, changing.provider, changing.upstream_model, changing.price_id]);
  writeUsage(writer, changing.usage);
  writeUnits(writer, changing.units);
  writer.jsonb(changing.parts);
  writer.integer(changing.checkpoint_sequence);
  writer.bigint(changing.checkpoint_charge);
  writer.timestamptz(changing.forwarded_at);
  writer.timestamptz(changing.first_token_at);
  writer.timestamptz(changing.ended_at);
}

function writeUsage(writer: CopyWriter, usage: Usage | undefined): void {
  if (usage === undefined) return writer.jsonb(undefined);
  encodeUsage(writer.beginJsonb(), usage);
  writer.endJson();
}

function writeUnits(writer: CopyWriter, units: ChargeUnits | undefined): void {
  if (units === undefined) return writer.jsonb(undefined);
  encodeUnits(writer.beginJsonb(), units);
  writer.endJson();
}

/** A row that is there already, as one element of the JSON that `ledger_write` reads: by column, money as text, times in milliseconds. */
export function requestChangeOf(row: RowWrite): Record<string, unknown> {
  const changing = changingOf(row);
  const change: Record<string, unknown> = { settled: row.ended !== null, request_id: row.admitted.requestId };
  for (const [name, now] of Object.entries(changing) as [string, unknown][]) change[name] = typeof now === 'bigint' ? String(now) : now;
  change['usage'] = changing.usage === undefined ? undefined : textOf(encodeUsage, changing.usage);
  change['units'] = changing.units === undefined ? undefined : textOf(encodeUnits, changing.units);
  return change;
}

function textOf<Value>(encode: (json: JsonBytes, value: Value) => void, value: Value): string {
  const json = new JsonBytes();
  encode(json, value);
  return json.bytes.toString('latin1', 0, json.length);
}

/** What was used, and nothing else. */
function encodeUsage(json: JsonBytes, usage: Usage): void {
  json.beginWhole();
  writeUsedClasses(json, usage);
  json.endObject();
}

const REQUESTS = member('requests');
const IMAGES = member('images');
const SECONDS = member('seconds');

function encodeUnits(json: JsonBytes, units: ChargeUnits): void {
  json.beginWhole();
  writeUsed(json, REQUESTS, units.requests);
  writeUsed(json, IMAGES, units.images);
  writeUsed(json, SECONDS, units.seconds);
  json.endObject();
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
