import type { PrimaryService, WorkerLink } from '../../platform/cluster/index.js';
import { ALLOWANCES_TOPIC, type AllowanceGrant, type AllowanceReport } from './allowance-messages.js';
import type { Share } from './counted-windows.js';
import { appendWindows } from './limit-messages.js';
import { nameOf, type LimitSubject } from './limit-store.js';
import type { MemoryLimitStore } from './memory-limit-store.js';

/** An allowance is at most this part of what is left, divided by the number of workers. */
const PART = 8;
/** Of fewer requests there is none: a limit is too near. */
const MIN_REQUESTS = 4;
/** A worker that does not hear a recall by then is busy or stopped: what it holds stays counted as used. */
const RECALL_MS = 250;

const NOTHING: Share = { requests: 0, tokens: 0, slots: 0 };

/** One allowance of one worker, as the primary knows it. */
interface Held {
  readonly number: number;
  readonly subjects: readonly LimitSubject[];
  readonly worker: WorkerLink;
  /** What its worker has left, as last granted or reported. */
  left: Share;
  /** Requests that it admitted and that have not ended. */
  running: number;
  /** Resolves when the worker has answered or will not; stays until it has reported the end, so that it is asked once. */
  recalled: Promise<void> | null;
}

type Standing = Pick<AllowanceReport, 'left' | 'running' | 'used' | 'back'>;

/**
 * The primary's side of allowances. What a worker may use counts as used from the moment it is granted, and from its report on in the
 * windows, so that no limit is exceeded whatever the workers do. Workers keep at most 1,000 allowances each.
 */
export class AllowanceHost implements PrimaryService {
  readonly #store: MemoryLimitStore;
  readonly #workerCount: number;
  readonly #byWorker = new Map<number, Map<number, Held>>();
  /** By the names of their subjects: those from which their workers may admit. */
  readonly #open = new Map<string, Set<Held>>();
  /** How many look at these subjects again: nothing is granted from them meanwhile. */
  readonly #contended = new Map<string, number>();

  constructor(store: MemoryLimitStore, workerCount: number) {
    this.#store = store;
    this.#workerCount = workerCount;
  }

  asked(payload: unknown, worker: WorkerLink): AllowanceGrant[] {
    return (payload as readonly AllowanceReport[]).map((report) => this.#report(report, worker));
  }

  told(): void {}

  /** Nobody knows how much of its allowances a dead worker used: all of it. What it had running has ended. */
  ended(workerId: number): void {
    for (const held of this.#byWorker.get(workerId)?.values() ?? []) {
      this.#close(held);
      this.#book(held, { left: NOTHING, running: 0, used: held.left, back: [] });
    }
    this.#byWorker.delete(workerId);
  }

  /** Whether a worker has some of it, or may have something to give back. */
  isHeld(subject: Pick<LimitSubject, 'scope' | 'id'>): boolean {
    return this.#open.has(nameOf(subject));
  }

  /**
   * Does something when what workers held of these subjects has come back, and what they had said by now has been heard: the end that
   * freed a slot was told before its client could ask again.
   */
  async withdrawn(subjects: readonly LimitSubject[], work: () => Promise<void>): Promise<void> {
    const names = new Set(subjects.map(nameOf));
    for (const name of names) this.#contended.set(name, (this.#contended.get(name) ?? 0) + 1);
    try {
      await Promise.all([restOfTurn(), ...this.#recall(names)]);
      await work();
    } finally {
      for (const name of names) this.#uncontend(name);
    }
  }

  #report(report: AllowanceReport, worker: WorkerLink): AllowanceGrant {
    const { number, wanted, isLast } = report;
    const held = this.#find(worker, number) ?? this.#define({ number, subjects: known(report.subjects), worker, left: NOTHING, running: 0, recalled: null });
    const bookedMs = this.#book(held, report);
    const added = wanted === null ? null : this.#grant(held, wanted);
    if (wanted === null) this.#close(held);
    if (isLast) this.#byWorker.get(worker.id)?.delete(number);
    return { added, bookedMs, windows: appendWindows([], this.#store.statesOf(held.subjects)) };
  }

  /** Opens it, and adds to it unless a limit is near. */
  #grant(held: Held, wanted: Share): Share | null {
    for (const subject of held.subjects) listed(this.#open, nameOf(subject)).add(held);
    if (held.subjects.some((subject) => this.#contended.has(nameOf(subject)))) return null;
    const room = this.#store.roomOf(held.subjects);
    const part = (name: keyof Share): number => Math.min(wanted[name], Math.floor(room[name] / (PART * this.#workerCount)));
    const [requests, tokens, slots] = [part('requests'), part('tokens'), part('slots')];
    const tokensOfFew = (MIN_REQUESTS * wanted.tokens) / wanted.requests;
    if (requests < MIN_REQUESTS || slots < MIN_REQUESTS || tokens < tokensOfFew) return null;
    const { left, running } = held;
    const added = { requests: Math.max(0, requests - left.requests), tokens: Math.max(0, tokens - left.tokens), slots: Math.max(0, slots - left.slots) };
    const more = { requests: left.requests + added.requests, tokens: left.tokens + added.tokens, slots: left.slots + added.slots };
    this.#book(held, { left: more, running, used: NOTHING, back: [] });
    return added;
  }

  /** How it stands from now on. */
  #book(held: Held, { left, running, used, back }: Standing): number {
    const before = held.left;
    const more = { requests: left.requests - before.requests, tokens: left.tokens - before.tokens, slots: left.slots - before.slots };
    const bookedMs = this.#store.book(held.subjects, { held: more, running: running - held.running, used, back });
    held.left = left;
    held.running = running;
    return bookedMs;
  }

  #close(held: Held): void {
    held.recalled = null;
    for (const subject of held.subjects) {
      const name = nameOf(subject);
      const others = this.#open.get(name);
      others?.delete(held);
      if (others?.size === 0) this.#open.delete(name);
    }
  }

  /** Asks each worker once for all that it holds of these. */
  #recall(names: ReadonlySet<string>): Promise<void>[] {
    const wanted = new Set([...names].flatMap((name) => [...(this.#open.get(name) ?? [])]));
    const byWorker = new Map<WorkerLink, Held[]>();
    for (const held of wanted) if (held.recalled === null) byWorker.set(held.worker, [...(byWorker.get(held.worker) ?? []), held]);
    for (const [worker, asked] of byWorker) {
      const numbers = asked.map(({ number }) => number);
      const answered = worker.ask(ALLOWANCES_TOPIC, numbers, RECALL_MS).then(() => undefined, () => undefined);
      for (const held of asked) held.recalled = answered;
    }
    return [...wanted].flatMap(({ recalled }) => (recalled === null ? [] : [recalled]));
  }

  #uncontend(name: string): void {
    const count = (this.#contended.get(name) ?? 1) - 1;
    if (count === 0) this.#contended.delete(name);
    else this.#contended.set(name, count);
  }

  #find(worker: WorkerLink, number: number): Held | undefined {
    return this.#byWorker.get(worker.id)?.get(number);
  }

  #define(held: Held): Held {
    let ofWorker = this.#byWorker.get(held.worker.id);
    if (ofWorker === undefined) this.#byWorker.set(held.worker.id, (ofWorker = new Map()));
    ofWorker.set(held.number, held);
    return held;
  }
}

/** The first report must have them: nothing may go uncounted. */
function known(subjects: readonly LimitSubject[] | undefined): readonly LimitSubject[] {
  if (subjects === undefined) throw new Error('an allowance that was never defined');
  return subjects;
}

function listed(sets: Map<string, Set<Held>>, name: string): Set<Held> {
  let set = sets.get(name);
  if (set === undefined) sets.set(name, (set = new Set()));
  return set;
}

function restOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
