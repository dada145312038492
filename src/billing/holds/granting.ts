import type { AdmittedRecord, HoldPart, HoldRequest, LeaseBook, Need } from '../../core/ledger/index.js';
import type { Clock } from '../../platform/clock/index.js';
import type { BillingSettings } from '../billing-settings.js';
import type { Engine } from '../engine/engine.js';
import type { Admission, Verdict } from './admission.js';
import type { Ceilings } from './ceilings.js';
import type { LeaseExchange } from './lease-exchange.js';
import type { LeaseKeeper } from './lease-keeper.js';
import { insufficient, unavailable } from './refusals.js';

export interface GrantingParts {
  readonly clock: Clock;
  readonly settings: BillingSettings;
  readonly engine: Engine;
  readonly book: LeaseBook;
  readonly ceilings: Ceilings;
  readonly admission: Admission;
  readonly keeper: LeaseKeeper;
  readonly exchange: LeaseExchange;
}

export interface Granted {
  parts: HoldPart[];
  /** The database's time. */
  admittedAtMs: number;
}

/** Where a hold's money comes from: carved from leases in memory, else committed in the database as a lease of exactly its size. */
export class Granting {
  readonly #parts: GrantingParts;

  constructor(parts: GrantingParts) {
    this.#parts = parts;
  }

  /** At once, from leases on every ceiling of the request; null when they do not cover it, or it is strict. */
  carve(request: HoldRequest): Granted | null {
    const { book, ceilings, clock, engine, keeper } = this.#parts;
    if (request.strict && request.amountNanoUsd > 0n) return null;
    const needs = ceilings.find(request);
    if (needs === null) return null;
    const nowMs = clock.monotonicMs();
    const parts = book.carve(needs, request.amountNanoUsd, nowMs);
    if (parts !== null) return { parts, admittedAtMs: engine.databaseNowMs(nowMs) };
    keeper.missed();
    return null;
  }

  /**
   * With a commit. Before a refusal everything that may free money is waited for once, and other engines' larger leases for as long
   * as they may take to answer. Throws 402 or 503.
   */
  async commit(request: HoldRequest): Promise<Granted> {
    const { ceilings, clock, exchange, settings } = this.#parts;
    const untilMs = clock.monotonicMs() + settings.askMs;
    const helped = new Set<number>();
    for (let round = 0; ; round += 1) {
      const needs = ceilings.find(request) ?? (await ceilings.resolve(request));
      const verdict = await this.#ask(request, needs);
      if (verdict.kind === 'granted') return granted(needs, request, verdict);
      if (verdict.kind === 'period-over') {
        if (round > 0) throw unavailable('A budget’s period is just beginning.', null);
        continue;
      }
      const { need, elsewhere } = verdict;
      const patient = !helped.has(need.ceilingId) || (elsewhere && clock.monotonicMs() < untilMs);
      if (!patient || !(await exchange.mayHelp(need.ceilingId, elsewhere))) throw insufficient(request, need.kind);
      helped.add(need.ceilingId);
    }
  }

  async #ask(request: HoldRequest, needs: readonly Need[]): Promise<Verdict> {
    const { admission, ceilings, engine } = this.#parts;
    const verdict = await admission.ask({ needs, amountNanoUsd: request.amountNanoUsd });
    if (verdict.kind === 'period-over') ceilings.forgetBudgets(request);
    if (verdict.kind === 'granted') engine.observeDatabaseTime(verdict.admittedAtMs);
    return verdict;
  }
}

function granted(needs: readonly Need[], { amountNanoUsd }: HoldRequest, verdict: Verdict & { kind: 'granted' }): Granted {
  // In the order of those that are carved: one hidden class for both.
  const parts = needs.map(({ ceilingId, kind }): HoldPart => ({ ceilingId, kind, leaseNumber: verdict.leases.get(ceilingId) ?? 0, amountNanoUsd }));
  return { parts, admittedAtMs: verdict.admittedAtMs };
}

/** The first record of an admitted request. */
export function admittedRecord(request: HoldRequest, { parts, admittedAtMs }: Granted, engineId: number): AdmittedRecord {
  const { requestId, organizationId, projectId, keyId, model, amountNanoUsd, receivedAtMs } = request;
  return {
    type: 'admitted', requestId, engineId, organizationId, projectId, keyId, model,
    holdNanoUsd: amountNanoUsd, expectedCostNanoUsd: amountNanoUsd, parts, receivedAtMs, admittedAtMs,
  };
}
