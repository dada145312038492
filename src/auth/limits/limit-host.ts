import type { PrimaryService } from '../../platform/cluster/index.js';
import type { AdmitAnswer, LimitsAnswer, LimitsEnds, LimitsQuestion } from './limit-messages.js';
import type { Demand, LimitSubject, Reservation } from './limit-store.js';
import type { MemoryLimitStore } from './memory-limit-store.js';

/** The primary's side: one process counts for all workers, so that limits are exact over them. */
export class LimitHost implements PrimaryService {
  /** Running admissions by worker, then by the worker's own number. */
  readonly #running = new Map<number, Map<number, Reservation>>();
  /** The store remembers a subject's windows by the object: the same limits of the same subject are the same object here. */
  readonly #subjects = new Map<string, LimitSubject>();
  readonly #store: MemoryLimitStore;

  constructor(store: MemoryLimitStore) {
    this.#store = store;
  }

  async asked(payload: unknown, workerId: number): Promise<LimitsAnswer> {
    const { admit, observe } = payload as LimitsQuestion;
    const admitted = admit.map(({ id, demand }) => this.#admit(workerId, id, demand));
    const observed = observe.map(async ({ id, subjects }) => ({ id, windows: await this.#store.observe(subjects.map((subject) => this.#known(subject))) }));
    return { admit: admitted, observe: await Promise.all(observed) };
  }

  told(payload: unknown, workerId: number): void {
    const running = this.#running.get(workerId);
    for (const { id, actualTokens } of payload as LimitsEnds) {
      const reservation = running?.get(id);
      running?.delete(id);
      if (actualTokens === null) reservation?.cancel();
      else reservation?.settle(actualTokens);
    }
  }

  /** What a dead worker had running has ended; nobody knows what it used, so its reservations stay counted. */
  ended(workerId: number): void {
    for (const reservation of this.#running.get(workerId)?.values() ?? []) reservation.settle(reservation.reservedTokens);
    this.#running.delete(workerId);
  }

  close(): void {
    this.#store.close();
  }

  #admit(workerId: number, id: number, demand: Demand): AdmitAnswer {
    const outcome = this.#store.admit({ ...demand, subjects: demand.subjects.map((subject) => this.#known(subject)) });
    if (!outcome.admitted) {
      const { binding, retryAfterMs, windows } = outcome;
      return { id, admitted: false, reservedTokens: 0, windows, binding, retryAfterMs };
    }
    const { reservation } = outcome;
    let running = this.#running.get(workerId);
    if (running === undefined) this.#running.set(workerId, (running = new Map()));
    running.set(id, reservation);
    return { id, admitted: true, reservedTokens: reservation.reservedTokens, windows: reservation.windows() };
  }

  #known(subject: LimitSubject): LimitSubject {
    const name = JSON.stringify([subject.scope, subject.id, subject.limits]);
    const known = this.#subjects.get(name);
    if (known !== undefined) return known;
    if (this.#subjects.size >= MAX_SUBJECTS) this.#subjects.clear();
    this.#subjects.set(name, subject);
    return subject;
  }
}

/** Forgetting costs a look-up each, nothing else. */
const MAX_SUBJECTS = 20_000;
