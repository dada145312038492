import type { Usage } from '../../core/chat/usage.js';
import { literal, type JsonBytes } from '../../core/json/index.js';
import type { AdmittedRecord, EndedRecord, ForwardedRecord, HoldPart, JournalRecord } from '../../core/ledger/index.js';

/**
 * The three records that every request writes, as arrays of their members in the order in which they stand here: half of the bytes of objects, and no
 * names to write. Money is a number, or a string where that would be no safe integer. A new member stands last: journals outlive the program that wrote them.
 */
const ADMITTED = literal('["admitted"');
/** An `admitted` and the `forwarded` right after it, which stands first as an array of its own, without what both have. */
const BEGUN = literal('["begun"');
const FORWARDED = literal('["forwarded"');
const ENDED = literal('["ended"');
const NULL = literal(',null');

type Members = readonly unknown[];

/**
 * False for any other record, and for an end with lines of its charge: nothing is written.
 * @param attempt what follows the admission, of the same request, as nearly all do: both are one line
 */
export function writeUsual(json: JsonBytes, record: JournalRecord, attempt: ForwardedRecord | null): boolean {
  if (record.type === 'admitted') {
    if (attempt === null) writeAdmitted(json, record);
    else writeBegun(json, record, attempt);
  } else if (record.type === 'forwarded') writeForwarded(json, record);
  else if (record.type === 'ended' && record.outcome.lines.length === 0) writeEnded(json, record);
  else return false;
  return true;
}

/** The records of one line; null when it is none of the three. */
export function readUsual([type, ...members]: Members): JournalRecord[] | null {
  switch (type) {
    case 'admitted':
      return [readAdmitted(members)];
    case 'forwarded':
      return [readForwarded(members[0] as string, members.slice(1))];
    case 'begun': {
      const [attempt, requestId] = members;
      return [readAdmitted(members.slice(1)), readForwarded(requestId as string, attempt as Members)];
    }
    case 'ended':
      return [readEnded(members)];
    default:
      return null;
  }
}

function writeAdmitted(json: JsonBytes, record: AdmittedRecord): void {
  json.more(ADMITTED);
  writeAdmission(json, record);
  json.endArray();
}

function writeBegun(json: JsonBytes, admitted: AdmittedRecord, forwarded: ForwardedRecord): void {
  json.more(BEGUN);
  json.beginArray();
  writeAttempt(json, forwarded);
  json.endArray();
  writeAdmission(json, admitted);
  json.endArray();
}

function writeAdmission(json: JsonBytes, record: AdmittedRecord): void {
  json.textItem(record.requestId);
  json.numberItem(record.engineId);
  json.textItem(record.organizationId);
  json.textItem(record.projectId);
  json.textItem(record.keyId);
  json.textItem(record.model);
  moneyItem(json, record.holdNanoUsd);
  moneyItem(json, record.expectedCostNanoUsd);
  json.beginArray();
  for (const part of record.parts) writePart(json, part);
  json.endArray();
  json.numberItem(record.receivedAtMs);
  json.numberItem(record.admittedAtMs);
}

function readAdmitted(members: Members): AdmittedRecord {
  const [requestId, engineId, organizationId, projectId, keyId, model, hold, expectedCost, parts, receivedAtMs, admittedAtMs] = members as [
    string, number, string, string, string, string, Money, Money, Part[], number, number,
  ];
  return {
    type: 'admitted', requestId, engineId, organizationId, projectId, keyId, model,
    holdNanoUsd: BigInt(hold), expectedCostNanoUsd: BigInt(expectedCost), parts: parts.map(readPart), receivedAtMs, admittedAtMs,
  };
}

type Money = number | string;
type Part = [ceilingId: number, kind: HoldPart['kind'], leaseNumber: number, amount: Money];

function writePart(json: JsonBytes, part: HoldPart): void {
  json.beginArray();
  json.numberItem(part.ceilingId);
  json.textItem(part.kind);
  json.numberItem(part.leaseNumber);
  moneyItem(json, part.amountNanoUsd);
  json.endArray();
}

function readPart([ceilingId, kind, leaseNumber, amount]: Part): HoldPart {
  return { ceilingId, kind, leaseNumber, amountNanoUsd: BigInt(amount) };
}

function writeForwarded(json: JsonBytes, record: ForwardedRecord): void {
  json.more(FORWARDED);
  json.textItem(record.requestId);
  writeAttempt(json, record);
  json.endArray();
}

function writeAttempt(json: JsonBytes, record: ForwardedRecord): void {
  json.numberItem(record.number);
  json.textItem(record.provider);
  json.textItem(record.upstreamModel);
  json.numberItem(record.atMs);
}

function readForwarded(requestId: string, members: Members): ForwardedRecord {
  const [number, provider, upstreamModel, atMs] = members as [number, string, string, number];
  return { type: 'forwarded', requestId, number, provider, upstreamModel, atMs };
}

function writeEnded(json: JsonBytes, record: EndedRecord): void {
  const { outcome } = record;
  const { units, usage } = outcome;
  json.more(ENDED);
  json.textItem(record.requestId);
  json.textItem(outcome.state);
  moneyItem(json, outcome.worthNanoUsd);
  moneyItem(json, outcome.providerCostNanoUsd);
  moneyItem(json, outcome.suspenseNanoUsd);
  writeUsage(json, usage);
  json.numberItem(units.requests);
  json.numberItem(units.images);
  json.numberItem(units.seconds);
  json.numberItem(outcome.estimated ? 1 : 0);
  textOrNull(json, outcome.priceId);
  json.numberItem(record.attempts);
  textOrNull(json, record.provider);
  textOrNull(json, record.upstreamModel);
  textOrNull(json, record.servedModel);
  numberOrNull(json, record.forwardedAtMs);
  numberOrNull(json, record.firstTokenAtMs);
  json.numberItem(record.endedAtMs);
  json.endArray();
}

function readEnded(members: Members): EndedRecord {
  const [requestId, state, worth, providerCost, suspense, usage, requests, images, seconds, estimated, priceId, attempts, provider, upstreamModel, servedModel,
    forwardedAtMs, firstTokenAtMs, endedAtMs] = members as [
    string, EndedRecord['outcome']['state'], Money, Money, Money, number[], number, number, number, number, string | null, number,
    string | null, string | null, string | null, number | null, number | null, number,
  ];
  return {
    type: 'ended',
    requestId,
    outcome: {
      state, worthNanoUsd: BigInt(worth), providerCostNanoUsd: BigInt(providerCost), suspenseNanoUsd: BigInt(suspense),
      usage: readUsage(usage), units: { requests, images, seconds }, estimated: estimated === 1, lines: [], priceId,
    },
    attempts, provider, upstreamModel, servedModel, forwardedAtMs, firstTokenAtMs, endedAtMs,
  };
}

function moneyItem(json: JsonBytes, nanoUsd: bigint): void {
  const value = Number(nanoUsd);
  if (Number.isSafeInteger(value)) json.numberItem(value);
  else json.textItem(String(nanoUsd));
}

function textOrNull(json: JsonBytes, value: string | null): void {
  if (value === null) json.more(NULL);
  else json.textItem(value);
}

function numberOrNull(json: JsonBytes, value: number | null): void {
  if (value === null) json.more(NULL);
  else json.numberItem(value);
}

function writeUsage(json: JsonBytes, usage: Usage): void {
  json.beginArray();
  json.numberItem(usage.input);
  json.numberItem(usage.cacheRead);
  json.numberItem(usage.cacheWrite);
  json.numberItem(usage.cacheWrite1h);
  json.numberItem(usage.output);
  json.numberItem(usage.reasoning);
  json.numberItem(usage.audioIn);
  json.numberItem(usage.audioOut);
  json.numberItem(usage.image);
  json.endArray();
}

function readUsage(counts: readonly number[]): Usage {
  const [input, cacheRead, cacheWrite, cacheWrite1h, output, reasoning, audioIn, audioOut, image] = counts as [
    number, number, number, number, number, number, number, number, number,
  ];
  return { input, cacheRead, cacheWrite, cacheWrite1h, output, reasoning, audioIn, audioOut, image };
}
