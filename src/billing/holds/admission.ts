import type { Lease, Need } from '../../core/ledger/index.js';
import type { Clock } from '../../platform/clock/index.js';
import { isDatabaseUnavailable, type Database } from '../../platform/database/index.js';
import { failpoint } from '../../platform/failpoint/index.js';
import type { BillingSettings } from '../billing-settings.js';
import type { LeaseNumbers } from './lease-numbers.js';

export interface Question {
  readonly needs: readonly Need[];
  readonly amountNanoUsd: bigint;
}

/** What the database said to one question. */
export type Verdict =
  | { kind: 'granted'; leases: ReadonlyMap<number, number>; admittedAtMs: number }
  /** `elsewhere`: whether other engines hold leases on the ceiling that refused. */
  | { kind: 'refused'; need: Need; elsewhere: boolean }
  | { kind: 'period-over' };

interface Waiter {
  readonly question: Question;
  readonly resolve: (verdict: Verdict) => void;
  readonly reject: (error: Error) => void;
}

interface AdmitRow extends Record<string, unknown> {
  verdicts: number[];
  admitted_at: Date;
  left_ms: number[];
  elsewhere: number[] | null;
}

export interface AdmissionPort {
  readonly numbers: LeaseNumbers;
  engineId(): number;
  /** A lease that a batch was granted, before any of its holds is. */
  opened(lease: Lease): void;
  /** The database says that this engine is not live any more. */
  onNotLive(): void;
}

const ADMIT = {
  name: 'ledger-admit',
  text: `SELECT verdicts, admitted_at, left_ms, elsewhere
         FROM ledger_admit($1, $2::bigint[], $3::bigint[], $4::bigint[], $5::int[], $6::int[], $7)`,
};
const RETURN = { name: 'ledger-return', text: 'SELECT ledger_return_leases($1, $2)' };
const NOT_LIVE = 'OG001';
const RETRY_PAUSE_MS = 20;

/** Admission is over capacity: refused without asking. */
export class AdmissionQueueFullError extends Error {
  override name = 'AdmissionQueueFullError';
}

/**
 * Strict admission: a durable commit before each hold, shared by those who ask at the same time. What arrives while a
 * commit is in flight forms the next batch; one statement grants in order what fits and refuses only the rest.
 */
export class Admission {
  #queue: Waiter[] = [];
  #inFlight = false;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly settings: BillingSettings,
    private readonly port: AdmissionPort,
  ) {}

  ask(question: Question): Promise<Verdict> {
    if (this.#queue.length >= this.settings.admissionQueueCount) return Promise.reject(new AdmissionQueueFullError('too many requests wait for admission'));
    return new Promise((resolve, reject) => {
      this.#queue.push({ question, resolve, reject });
      if (!this.#inFlight) void this.#run();
    });
  }

  async #run(): Promise<void> {
    this.#inFlight = true;
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, this.settings.admissionBatchCount);
      try {
        const verdicts = await this.#admit(batch.map(({ question }) => question));
        batch.forEach(({ resolve, reject }, index) => {
          const verdict = verdicts[index];
          if (verdict === undefined) reject(new Error('the database left a request without a verdict'));
          else resolve(verdict);
        });
      } catch (error) {
        if ((error as { code?: string }).code === NOT_LIVE) this.port.onNotLive();
        for (const { reject } of batch) reject(error as Error);
      }
    }
    this.#inFlight = false;
  }

  /** A connection that broke says nothing about the commit: what it may have leased is given back, then asked anew, once. */
  async #admit(questions: readonly Question[]): Promise<Verdict[]> {
    const ceilingIds = [...new Set(questions.flatMap(({ needs }) => needs.map(({ ceilingId }) => ceilingId)))].sort((a, b) => a - b);
    const engineId = this.port.engineId();
    const numbers = this.port.numbers.reserve(ceilingIds.length);
    const again = this.port.numbers.reserve(ceilingIds.length);
    try {
      return await this.#execute({ engineId, ceilingIds, numbers, questions });
    } catch (error) {
      if (!isDatabaseUnavailable(error) || isTimeout(error)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_PAUSE_MS));
      await this.database.query(RETURN, [engineId, numbers]);
      return await this.#execute({ engineId, ceilingIds, numbers: again, questions });
    } finally {
      this.port.numbers.release([...numbers, ...again]);
    }
  }

  async #execute(batch: Batch): Promise<Verdict[]> {
    const { engineId, ceilingIds, numbers, questions } = batch;
    const place = new Map(ceilingIds.map((id, index) => [id, index + 1]));
    const first = [1];
    const items: number[] = [];
    for (const { needs } of questions) {
      for (const { ceilingId } of needs) items.push(place.get(ceilingId) ?? 0);
      first.push(items.length + 1);
    }
    const amounts = questions.map(({ amountNanoUsd }) => amountNanoUsd);
    const sentMs = this.clock.monotonicMs();
    const { rows } = await this.database.query<AdmitRow>(ADMIT, [engineId, ceilingIds, numbers, amounts, first, items, true]);
    const row = rows[0];
    if (row === undefined) throw new Error('ledger_admit answered nothing');
    failpoint('lease-committed');
    this.#open(batch, row, sentMs);
    const leases = new Map(ceilingIds.map((id, index) => [id, numbers[index] ?? 0]));
    return questions.map((question, index) => verdictOf(question, row, { index, place, leases }));
  }

  #open({ ceilingIds, numbers, questions }: Batch, row: AdmitRow, sentMs: number): void {
    const sums = new Map<number, bigint>();
    questions.forEach(({ needs, amountNanoUsd }, index) => {
      if (row.verdicts[index] !== 0) return;
      for (const { ceilingId } of needs) sums.set(ceilingId, (sums.get(ceilingId) ?? 0n) + amountNanoUsd);
    });
    ceilingIds.forEach((ceilingId, index) => {
      const amountNanoUsd = sums.get(ceilingId) ?? 0n;
      if (amountNanoUsd === 0n) return;
      const validUntilMs = sentMs + (row.left_ms[index] ?? 0);
      this.port.opened({ number: numbers[index] ?? 0, ceilingId, amountNanoUsd, heldNanoUsd: amountNanoUsd, exact: true, validUntilMs });
    });
  }
}

interface Batch {
  engineId: number;
  ceilingIds: readonly number[];
  numbers: readonly number[];
  questions: readonly Question[];
}

function verdictOf(question: Question, row: AdmitRow, at: { index: number; place: Map<number, number>; leases: Map<number, number> }): Verdict {
  const verdict = row.verdicts[at.index] ?? 0;
  if (verdict === 0) return { kind: 'granted', leases: at.leases, admittedAtMs: row.admitted_at.getTime() };
  const need = question.needs.find(({ ceilingId }) => at.place.get(ceilingId) === Math.abs(verdict));
  if (verdict < 0 || need === undefined) return { kind: 'period-over' };
  return { kind: 'refused', need, elsewhere: (row.elsewhere?.[verdict - 1] ?? 0) > 0 };
}

/** A statement that took too long was canceled by the server: nothing was committed, and asking again takes as long. */
function isTimeout(error: unknown): boolean {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  return cause?.code === '57014' || cause?.code === '55P03' || /timeout/i.test(cause?.message ?? '');
}
