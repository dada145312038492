import type { PrimaryService, WorkerLink } from '../../platform/cluster/index.js';
import type { AllowanceHost } from './allowance-host.js';
import { appendWindows, type LimitsAnswer, type LimitsEnds, type LimitsQuestion, type RefusedAdmission } from './limit-messages.js';
import { nameOf, type Demand, type LimitSubject, type Refusal, type Reservation } from './limit-store.js';
import type { MemoryLimitStore } from './memory-limit-store.js';

/** Forgetting costs a look-up each, nothing else. */
const MAX_SUBJECTS = 20_000;

/** Where the numbers of subjects begin in what is asked. */
const ADMIT_HEAD = 3;
const OBSERVE_HEAD = 1;

/** What is known of one worker. */
interface WorkerState {
  /** Running admissions by the worker's own number. */
  readonly running: Map<number, Reservation>;
  /** Subjects by the numbers that the worker gave them. */
  readonly subjects: Map<number, LimitSubject>;
}

/** An admission that was asked for. */
interface Asked {
  readonly id: number;
  /** Looked up once: the worker may give its numbers anew while it waits. */
  readonly demand: Demand;
}

interface Outcomes {
  readonly admitted: number[][];
  readonly refused: RefusedAdmission[];
  /** Admissions that may fit after what workers could tell or give back, to be looked at again. */
  readonly again: Asked[];
  /** The subjects for which that was done. */
  readonly looked: ReadonlySet<string>;
}

/** The primary's side: one process counts for all workers, so that limits are exact over them. */
export class LimitHost implements PrimaryService {
  readonly #workers = new Map<number, WorkerState>();
  /** The store remembers a subject's windows by the object: the same limits of the same subject are the same object here. */
  readonly #subjects = new Map<string, LimitSubject>();
  readonly #store: MemoryLimitStore;
  readonly #allowances: AllowanceHost;

  constructor(store: MemoryLimitStore, allowances: AllowanceHost) {
    this.#store = store;
    this.#allowances = allowances;
  }

  async asked(payload: unknown, { id: workerId }: WorkerLink): Promise<LimitsAnswer> {
    const { forget, define, admit, observe } = payload as LimitsQuestion;
    const worker = this.#stateOf(workerId);
    if (forget) worker.subjects.clear();
    for (const [number, subject] of define) worker.subjects.set(number, this.#known(subject));
    const outcomes: Outcomes = { admitted: [], refused: [], again: [], looked: new Set() };
    for (const words of admit) this.#admit(worker, askedFrom(worker, words), outcomes);
    const { admitted, refused, again } = outcomes;
    if (again.length + observe.length === 0) return { admitted, refused, observed: [] };
    const observing = observe.map((words) => ({ id: words[0] as number, subjects: subjectsFrom(worker, words, OBSERVE_HEAD) }));
    await this.#lookAgain(workerId, outcomes);
    return { admitted, refused, observed: observing.map(({ id, subjects }) => appendWindows([id], this.#store.statesOf(subjects))) };
  }

  told(payload: unknown, workerId: number): void {
    const running = this.#workers.get(workerId)?.running;
    for (const [id, actualTokens] of payload as LimitsEnds) {
      const reservation = running?.get(id);
      running?.delete(id);
      if (actualTokens === null) reservation?.cancel();
      else reservation?.settle(actualTokens);
    }
  }

  /** What a dead worker had running has ended; nobody knows what it used, so its reservations stay counted. */
  ended(workerId: number): void {
    for (const reservation of this.#workers.get(workerId)?.running.values() ?? []) reservation.settle(reservation.reservedTokens);
    this.#workers.delete(workerId);
  }

  /** Once for each subject whose limits are in the way: while one was waited for, another's room may have been taken. */
  async #lookAgain(workerId: number, outcomes: Outcomes): Promise<void> {
    const { again, looked } = outcomes;
    const worker = this.#stateOf(workerId);
    const obstructing = again.flatMap(({ demand }) => this.#store.obstructing(demand));
    await this.#allowances.withdrawn(obstructing, async () => {
      if (this.#workers.get(workerId) !== worker) throw new Error(`worker ${workerId} has ended`);
      const next: Outcomes = { ...outcomes, again: [], looked: new Set([...looked, ...obstructing.map(nameOf)]) };
      for (const asked of again) this.#admit(worker, asked, next);
      if (next.again.length > 0) await this.#lookAgain(workerId, next);
    });
  }

  #admit(worker: WorkerState, asked: Asked, { admitted, refused, again, looked }: Outcomes): void {
    const { id, demand } = asked;
    const outcome = this.#store.admit(demand);
    if (!outcome.admitted) {
      const { binding, retryAfterMs, windows } = outcome;
      if (!looked.has(nameOf(outcome.binding)) && this.#mayChange(outcome)) again.push(asked);
      else refused.push({ id, binding, retryAfterMs, windows });
      return;
    }
    const { reservation } = outcome;
    worker.running.set(id, reservation);
    admitted.push(appendWindows([id, reservation.reservedTokens], reservation.windows()));
  }

  /** A slot may be free already, an allowance unused. */
  #mayChange({ binding, retryAfterMs }: Refusal): boolean {
    return retryAfterMs !== null && (binding.limit === 'concurrency' || this.#allowances.isHeld(binding));
  }

  #stateOf(workerId: number): WorkerState {
    let state = this.#workers.get(workerId);
    if (state === undefined) this.#workers.set(workerId, (state = { running: new Map(), subjects: new Map() }));
    return state;
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

function askedFrom(worker: WorkerState, words: readonly number[]): Asked {
  const [id, minimumTokens, reserveTokens] = words as [number, number, number];
  return { id, demand: { subjects: subjectsFrom(worker, words, ADMIT_HEAD), minimumTokens, reserveTokens } };
}

/** @param start where the numbers of subjects begin. A number that was never given fails the whole question: nothing may go uncounted. */
function subjectsFrom(worker: WorkerState, words: readonly number[], start: number): LimitSubject[] {
  return words.slice(start).map((number) => {
    const subject = worker.subjects.get(number);
    if (subject === undefined) throw new Error(`no subject has the number ${number}`);
    return subject;
  });
}
