import { NO_USAGE, type Usage } from '../chat/usage.js';
import { NO_UNITS, type ChargeUnits } from '../pricing/charge.js';
import type { Price } from '../pricing/price.js';
import type { Outcome } from './settle.js';

/** What a hold carved from one lease on one ceiling. `leaseNumber` 0: nothing was carved (a hold of 0). */
export interface HoldPart {
  ceilingId: number;
  kind: 'account' | 'budget';
  leaseNumber: number;
  amountNanoUsd: bigint;
}

/** First record of every journal file: whose it is, and how to tell whether that process still lives. */
export interface EngineRecord {
  type: 'engine';
  engineId: number;
  bootId: string;
  pid: number;
  processStart: string;
  pidNamespace: string;
}

/** Before the first byte goes upstream. Times are the database's, as the engine estimates them, except `receivedAtMs`. */
export interface AdmittedRecord {
  type: 'admitted';
  requestId: string;
  engineId: number;
  organizationId: string;
  projectId: string;
  keyId: string;
  model: string;
  holdNanoUsd: bigint;
  /** What a provider would take, for suspense when this process dies after the request was sent. */
  expectedCostNanoUsd: bigint;
  parts: readonly HoldPart[];
  receivedAtMs: number;
  admittedAtMs: number;
}

/** Before the first byte of each attempt. */
export interface ForwardedRecord {
  type: 'forwarded';
  requestId: string;
  number: number;
  provider: string;
  upstreamModel: string;
  atMs: number;
}

/** What had been written to the client's socket; `sequence` rises. */
export interface CheckpointRecord {
  type: 'checkpoint';
  requestId: string;
  sequence: number;
  usage: Usage;
  priceId: string;
  chargeNanoUsd: bigint;
  atMs: number;
}

/** Before the last byte goes to the client. */
export interface EndedRecord {
  type: 'ended';
  requestId: string;
  outcome: Outcome;
  attempts: number;
  provider: string | null;
  upstreamModel: string | null;
  servedModel: string | null;
  forwardedAtMs: number | null;
  firstTokenAtMs: number | null;
  endedAtMs: number;
}

/** A price version, before the first record of the file that names it. */
export interface PriceRecord {
  type: 'price';
  price: Price;
}

export type JournalRecord = EngineRecord | AdmittedRecord | ForwardedRecord | CheckpointRecord | EndedRecord | PriceRecord;
export type RequestRecord = AdmittedRecord | ForwardedRecord | CheckpointRecord | EndedRecord;

/** Everything known of one request: its records, folded. What the flusher posts and a journal is read into. */
export interface RequestFold {
  admitted: AdmittedRecord;
  forwarded: ForwardedRecord | null;
  checkpoint: CheckpointRecord | null;
  ended: EndedRecord | null;
}

/** Adds one record; records may come twice (a segment carries open requests over from the one before it). */
export function foldRecord(fold: RequestFold, record: RequestRecord): void {
  if (record.type === 'forwarded') {
    if (fold.forwarded === null || record.number >= fold.forwarded.number) fold.forwarded = record;
  } else if (record.type === 'checkpoint') {
    if (fold.checkpoint === null || record.sequence > fold.checkpoint.sequence) fold.checkpoint = record;
  } else if (record.type === 'ended') {
    fold.ended ??= record;
  }
}

/** A checkpoint is charged as one request; images and seconds are known only at the end. */
export const CHECKPOINT_UNITS: Readonly<ChargeUnits> = Object.freeze({ requests: 1, images: 0, seconds: 0 });

/** How a request ends whose process died: by its last checkpoint, else released; sent and unanswered, its cost is in suspense. */
export function endByCheckpoint(fold: RequestFold, endedAtMs: number): EndedRecord {
  const { admitted, forwarded, checkpoint } = fold;
  const served = forwarded ?? UNSERVED;
  return {
    type: 'ended',
    requestId: admitted.requestId,
    outcome: checkpoint === null ? releasedOutcome(fold) : checkpointOutcome(checkpoint),
    attempts: served.number,
    provider: served.provider,
    upstreamModel: served.upstreamModel,
    servedModel: null,
    forwardedAtMs: served.atMs,
    firstTokenAtMs: null,
    endedAtMs,
  };
}

const UNSERVED = { number: 0, provider: null, upstreamModel: null, atMs: null };

function checkpointOutcome({ chargeNanoUsd, usage, priceId }: CheckpointRecord): Outcome {
  return {
    state: 'failed', worthNanoUsd: chargeNanoUsd, providerCostNanoUsd: 0n, suspenseNanoUsd: 0n, usage, units: CHECKPOINT_UNITS, estimated: true,
    lines: [], priceId,
  };
}

function releasedOutcome({ admitted, forwarded }: RequestFold): Outcome {
  const suspenseNanoUsd = forwarded === null ? 0n : admitted.expectedCostNanoUsd;
  return {
    state: 'failed', worthNanoUsd: 0n, providerCostNanoUsd: 0n, suspenseNanoUsd, usage: { ...NO_USAGE }, units: NO_UNITS, estimated: false,
    lines: [], priceId: null,
  };
}
