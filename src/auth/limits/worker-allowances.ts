import type { Clock } from '../../platform/clock/index.js';
import type { ProcessGroup } from '../../platform/cluster/index.js';
import { Allowance, type AllowanceOwner, type SentReport } from './allowance.js';
import { ALLOWANCES_TOPIC, type AllowanceGrant, type AllowanceRecall } from './allowance-messages.js';
import type { Demand, LimitSubject, Reservation, WindowState } from './limit-store.js';

/** What was used is reported, and more is wanted, so often; the first turn begins with the first request. */
const TURN_MS = 50;
const DEADLINE_MS = 2_000;
/** Requests of other lists of subjects are asked of the primary. */
const MAX_ALLOWANCES = 1_000;

/** The allowances of one worker: reported together once a turn while they are used, closed when the primary asks for them. */
export class WorkerAllowances implements AllowanceOwner {
  readonly #group: ProcessGroup;
  readonly #clock: Clock;
  /** Has `flush` called soon. */
  readonly #schedule: () => void;
  readonly #bySubjects = new Map<readonly LimitSubject[], Allowance>();
  /** Closed ones with something to report. */
  readonly #changed = new Set<Allowance>();
  #timer: NodeJS.Timeout | null = null;
  #lastNumber = 0;
  #isClosed = false;

  constructor(group: ProcessGroup, clock: Clock, schedule: () => void) {
    this.#group = group;
    this.#clock = clock;
    this.#schedule = schedule;
    group.answer(ALLOWANCES_TOPIC, (payload) => this.#recall(payload as AllowanceRecall));
  }

  /** Ends wait to be told. */
  get hasChanged(): boolean {
    return this.#changed.size > 0;
  }

  /** Null when it must be asked of the primary. */
  take({ subjects, reserveTokens }: Demand): Reservation | null {
    const allowance = this.#bySubjects.get(subjects) ?? this.#define(subjects);
    if (allowance === null) return null;
    if (this.#timer === null) this.#startTurn();
    const reservation = allowance.take(reserveTokens);
    if (reservation === null) allowance.saw(reserveTokens);
    return reservation;
  }

  /** The primary told where these windows stand. Adds what it has not heard of this worker. */
  know(subjects: readonly LimitSubject[], windows: readonly WindowState[]): readonly WindowState[] {
    const allowance = this.#bySubjects.get(subjects);
    if (allowance === undefined) return windows;
    allowance.know(windows);
    return allowance.windows();
  }

  /** Reports the closed ones. */
  flush(): void {
    const closed = [...this.#changed].filter(({ isOpen }) => !isOpen);
    this.#changed.clear();
    this.#report(closed.map((allowance) => allowance.report(false)));
  }

  /** Gives back everything. */
  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer ?? undefined);
    this.#closeAll([...this.#bySubjects.values()]);
  }

  nowMs(): number {
    return this.#clock.monotonicMs();
  }

  changed(allowance: Allowance): void {
    if (allowance.isOpen) {
      if (this.#timer === null) this.#startTurn();
      return;
    }
    this.#changed.add(allowance);
    this.#schedule();
  }

  #define(subjects: readonly LimitSubject[]): Allowance | null {
    if (this.#bySubjects.size >= MAX_ALLOWANCES) return null;
    this.#lastNumber += 1;
    const allowance = new Allowance(this.#lastNumber, subjects, this);
    this.#bySubjects.set(subjects, allowance);
    return allowance;
  }

  #startTurn(): void {
    if (this.#isClosed) return;
    this.#timer = setTimeout(() => this.#turn(), TURN_MS);
    this.#timer.unref();
  }

  #turn(): void {
    this.#timer = null;
    const reports: SentReport[] = [];
    let isQuiet = true;
    for (const [subjects, allowance] of this.#bySubjects) {
      const next = allowance.turn();
      if (next === 'close') this.#closeAll([allowance]);
      else if (next === 'report') reports.push(allowance.report(true));
      if (!allowance.isQuiet) isQuiet = false;
      else if (allowance.isOver) this.#bySubjects.delete(subjects);
    }
    this.#report(reports);
    if (!isQuiet) this.#startTurn();
  }

  /** A limit is near: another worker, or this one, needs what is left. */
  #recall(numbers: AllowanceRecall): void {
    const recalled = new Set(numbers);
    for (const allowance of this.#bySubjects.values()) {
      if (!recalled.has(allowance.number) || !allowance.isOpen) continue;
      allowance.rest();
      this.#changed.add(allowance);
    }
    this.flush();
  }

  #closeAll(allowances: readonly Allowance[]): void {
    for (const allowance of allowances) {
      if (!allowance.isOpen) continue;
      allowance.close();
      this.#changed.add(allowance);
    }
    this.flush();
  }

  /** What it says is heard before everything that this worker says later. */
  #report(sent: readonly SentReport[]): void {
    if (sent.length > 0) void this.#ask(sent);
  }

  async #ask(sent: readonly SentReport[]): Promise<void> {
    let grants: readonly AllowanceGrant[] = [];
    try {
      grants = (await this.#group.askPrimary(ALLOWANCES_TOPIC, sent.map(({ report }) => report), DEADLINE_MS)) as readonly AllowanceGrant[];
    } catch {
      // Should they be heard yet: what comes after them says that nothing is left.
    }
    sent.forEach((report, index) => report.allowance.answered(report, grants[index] ?? null));
  }
}
