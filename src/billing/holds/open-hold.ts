import { NOWHERE, type Placed } from '../../core/collections/roster.js';
import type { Usage } from '../../core/chat/usage.js';
import {
  CHECKPOINT_UNITS,
  foldRecord,
  settle,
  type AdmittedRecord,
  type EndedRecord,
  type Ending,
  type Hold,
  type Outcome,
  type RequestFold,
  type RequestRecord,
  type Settlement,
  type SettlementPolicy,
} from '../../core/ledger/index.js';
import { isBelievable, totalFor, type Price } from '../../core/pricing/index.js';
import { failpoint } from '../../platform/failpoint/index.js';
import type { Segment } from '../journal/journal.js';
import { NOTHING_DUE, type PendingRequest } from '../posting/flusher.js';

/** A number no lease has. */
const NO_LEASE = -1;

/** What a hold needs of its engine. */
export interface HoldPort {
  readonly policy: SettlementPolicy;
  /** To the journal, before the consequence is seen outside; null when the journal cannot take it. */
  journal(record: RequestRecord, price: Price | null): Segment | null;
  changed(request: PendingRequest): void;
  ended(request: PendingRequest): void;
  monotonicMs(): number;
}

/** A hold in force: the request's records, folded as they happen. */
export class OpenHold implements Hold, PendingRequest, Placed {
  readonly fold: RequestFold;
  segment: Segment | null = null;
  endedAtMs = 0;
  rowDueMs = NOTHING_DUE;
  place = NOWHERE;
  readonly #port: HoldPort;
  #settlement: Settlement | null = null;

  constructor(admitted: AdmittedRecord, port: HoldPort) {
    this.fold = { admitted, forwarded: null, checkpoint: null, ended: null };
    this.#port = port;
  }

  get requestId(): string {
    return this.fold.admitted.requestId;
  }

  get amountNanoUsd(): bigint {
    return this.fold.admitted.holdNanoUsd;
  }

  forwarded(attempt: { provider: string; upstreamModel: string; number: number; atMs: number }): void {
    if (this.fold.ended !== null) return;
    const { provider, upstreamModel, number, atMs } = attempt;
    this.#record({ type: 'forwarded', requestId: this.requestId, number, provider, upstreamModel, atMs }, null);
    this.#port.changed(this);
  }

  /** Its engine was swept and has a new identity: what it had leased is gone, and its end will be posted as late. */
  moveTo(engineId: number): void {
    const { admitted } = this.fold;
    this.fold.admitted = { ...admitted, engineId, parts: admitted.parts.map((part) => ({ ...part, leaseNumber: NO_LEASE })) };
  }

  checkpoint(delivered: Usage, price: Price): void {
    if (this.fold.ended !== null || !isBelievable(delivered)) return;
    const chargeNanoUsd = totalFor(delivered, price, CHECKPOINT_UNITS);
    const sequence = (this.fold.checkpoint?.sequence ?? 0) + 1;
    const usage = { ...delivered };
    this.#record({ type: 'checkpoint', requestId: this.requestId, sequence, usage, priceId: price.id, chargeNanoUsd, atMs: this.#port.monotonicMs() }, price);
    // The one before it is in the journal by now.
    if (sequence > 1) failpoint('checkpointed');
    this.#port.changed(this);
  }

  settle(ending: Ending): Settlement {
    if (this.#settlement !== null) return this.#settlement;
    const outcome = settle(ending, this.#port.policy);
    this.segment = this.#record(endedRecord(this.requestId, outcome, ending), ending.price);
    this.endedAtMs = this.#port.monotonicMs();
    this.#settlement = {
      state: outcome.state,
      chargedNanoUsd: outcome.worthNanoUsd < this.amountNanoUsd ? outcome.worthNanoUsd : this.amountNanoUsd,
      costNanoUsd: outcome.worthNanoUsd,
      providerCostNanoUsd: outcome.providerCostNanoUsd,
      usage: outcome.usage,
      estimated: outcome.estimated,
      lines: outcome.lines,
      priceId: outcome.priceId,
    };
    this.#port.ended(this);
    return this.#settlement;
  }

  #record(record: RequestRecord, price: Price | null): Segment | null {
    const segment = this.#port.journal(record, price);
    foldRecord(this.fold, record);
    return segment;
  }
}

const NO_LINES: Outcome['lines'] = [];

/** Without the lines of the charge, which follow from usage and price. */
function endedRecord(requestId: string, outcome: Outcome, ending: Ending): EndedRecord {
  const { state, worthNanoUsd, providerCostNanoUsd, suspenseNanoUsd, usage, units, estimated, priceId } = outcome;
  return {
    type: 'ended',
    requestId,
    outcome: { state, worthNanoUsd, providerCostNanoUsd, suspenseNanoUsd, usage, units, estimated, lines: NO_LINES, priceId },
    attempts: ending.attempts,
    provider: ending.provider ?? null,
    upstreamModel: ending.upstreamModel ?? null,
    servedModel: ending.servedModel ?? null,
    forwardedAtMs: ending.forwardedAtMs ?? null,
    firstTokenAtMs: ending.firstTokenAtMs ?? null,
    endedAtMs: ending.endedAtMs,
  };
}
