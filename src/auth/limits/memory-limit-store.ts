import type { Clock } from '../../platform/clock/index.js';
import { findObstacle, roomOf, statesOf, tokenRoom, windowOf, type Counted, type CountedWindow, type Share, type SubjectState } from './counted-windows.js';
import { LimitStore, nameOf, WINDOW_SHAPES, type Demand, type LimitSubject, type Outcome, type Reservation, type WindowShape, type WindowState } from './limit-store.js';
import type { WindowStep } from './sliding-window.js';
import type { Amounts } from './window-correction.js';

/** Windows as they are kept over a restart, oldest step first. */
export type SavedWindows = Partial<Record<WindowShape['limit'], readonly WindowStep[]>>;
export type SavedSubjects = Readonly<Record<string, SavedWindows>>;

/** What changes at once in all windows of some subjects, for requests that were admitted elsewhere. */
export interface Booking {
  /** How much more (less, if negative) is held: it counts as used, without an age. */
  readonly held: Share;
  /** How many more (fewer) run. */
  readonly running: number;
  /** Counts from now. */
  readonly used: Amounts;
  /** Leaves where an earlier booking counted it; `bookedMs` is what that one returned. */
  readonly back: readonly (Amounts & { readonly bookedMs: number })[];
}

/** A saved window is this coarse: five seconds of a minute, two hours of a day. */
const SAVED_STEPS = 12;

/** Idle subjects are forgotten after so many admissions, so that memory follows the keys in use. */
const SWEEP_EVERY = 10_000;

/** Windows of one process. Synchronous, so judging and taking is one step by nature. */
export class MemoryLimitStore extends LimitStore {
  readonly #clock: Clock;
  readonly #subjects = new Map<string, SubjectState>();
  readonly #counted = new WeakMap<LimitSubject, Counted>();
  #sinceSweep = 0;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  get subjectCount(): number {
    return this.#subjects.size;
  }

  /** @param engines how many share the limits while nothing else keeps them together: each takes its part, at least 1 */
  override admit({ subjects, minimumTokens, reserveTokens }: Demand, engines = 1): Outcome {
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    const counted = subjects.map((subject) => this.#countedOf(engines === 1 ? subject : shareOf(subject, engines)));
    const obstacle = findObstacle(counted, minimumTokens, nowMs);
    if (obstacle !== null) {
      return { admitted: false, binding: obstacle.state, retryAfterMs: obstacle.retryAfterMs, windows: statesOf(counted, nowMs) };
    }
    const reserved = Math.max(minimumTokens, Math.min(reserveTokens, tokenRoom(counted, nowMs)));
    return { admitted: true, reservation: new MemoryReservation(counted, reserved, this.#clock, nowMs) };
  }

  /** Counts without judging: for what was admitted elsewhere. */
  take(subjects: readonly LimitSubject[], reservedTokens: number): Reservation {
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    return new MemoryReservation(this.#allCounted(subjects), reservedTokens, this.#clock, nowMs);
  }

  /** Returns the time of the booking, ms of this store's monotonic clock. */
  book(subjects: readonly LimitSubject[], { held, running, used, back }: Booking): number {
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    for (const { state, windows } of this.#allCounted(subjects)) {
      state.running += held.slots + running;
      state.heldSlots += held.slots;
      for (const { shape, window } of windows) {
        window.hold(held[shape.counts]);
        if (used[shape.counts] > 0) window.add(nowMs, used[shape.counts]);
        for (const amounts of back) window.refund(Math.floor(amounts.bookedMs / shape.bucketMs), amounts[shape.counts]);
      }
    }
    return nowMs;
  }

  /** What is left of each kind in the tightest window; Infinity where nothing limits it. */
  roomOf(subjects: readonly LimitSubject[]): Share {
    return roomOf(this.#allCounted(subjects), this.#clock.monotonicMs());
  }

  /** Those of the subjects whose limits are in the way. */
  obstructing({ subjects, minimumTokens }: Demand): LimitSubject[] {
    const nowMs = this.#clock.monotonicMs();
    return subjects.filter((subject) => findObstacle([this.#countedOf(subject)], minimumTokens, nowMs) !== null);
  }

  /** What `observe` resolves with. */
  statesOf(subjects: readonly LimitSubject[]): WindowState[] {
    return statesOf(this.#allCounted(subjects), this.#clock.monotonicMs());
  }

  override async observe(subjects: readonly LimitSubject[]): Promise<WindowState[]> {
    return this.statesOf(subjects);
  }

  override close(): void {}

  /** Every subject that has something counted, to be given to the next process; at most `maxCount`. */
  dump(maxCount: number): SavedSubjects {
    const nowMs = this.#clock.monotonicMs();
    const saved: Record<string, SavedWindows> = {};
    let count = 0;
    for (const [name, { windows }] of this.#subjects) {
      if (count >= maxCount) break;
      const steps: SavedWindows = {};
      for (const [shape, window] of windows) {
        if (window.used(nowMs) > 0) steps[shape.limit] = window.dump(nowMs, shape.windowMs / SAVED_STEPS);
      }
      if (Object.keys(steps).length === 0) continue;
      saved[name] = steps;
      count += 1;
    }
    return saved;
  }

  /** What was counted by an earlier process, `elapsedMs` ago. Before the first request only. */
  restore(saved: SavedSubjects, elapsedMs: number): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [name, steps] of Object.entries(saved)) {
      const state = this.#stateOf(name);
      for (const shape of WINDOW_SHAPES) {
        const aged = (steps[shape.limit] ?? []).map(([ageMs, amount]): WindowStep => [ageMs + elapsedMs, amount]);
        if (aged.length > 0) windowOf(state, shape).restore(nowMs, aged);
      }
    }
  }

  #allCounted(subjects: readonly LimitSubject[]): Counted[] {
    return subjects.map((subject) => this.#countedOf(subject));
  }

  #countedOf(subject: LimitSubject): Counted {
    const known = this.#counted.get(subject);
    if (known !== undefined && known.state.isLive) return known;
    const state = this.#stateOf(nameOf(subject));
    const windows: CountedWindow[] = [];
    for (const shape of WINDOW_SHAPES) {
      const limitCount = subject.limits[shape.limit];
      if (limitCount !== undefined) windows.push({ shape, limitCount, window: windowOf(state, shape) });
    }
    const counted: Counted = { subject, state, windows };
    this.#counted.set(subject, counted);
    return counted;
  }

  #stateOf(name: string): SubjectState {
    let state = this.#subjects.get(name);
    if (state === undefined) {
      state = { windows: new Map(), running: 0, heldSlots: 0, isLive: true };
      this.#subjects.set(name, state);
    }
    return state;
  }

  #sweep(nowMs: number): void {
    this.#sinceSweep += 1;
    if (this.#sinceSweep < SWEEP_EVERY) return;
    this.#sinceSweep = 0;
    for (const [name, state] of this.#subjects) {
      const isIdle = state.running === 0 && [...state.windows.values()].every((window) => window.used(nowMs) === 0);
      if (!isIdle) continue;
      state.isLive = false;
      this.#subjects.delete(name);
    }
  }
}

/** Takes when it is made. */
class MemoryReservation implements Reservation {
  readonly reservedTokens: number;
  readonly #counted: readonly Counted[];
  readonly #clock: Clock;
  /** Of every window, in the order in which they are walked. */
  readonly #buckets: number[] = [];
  #isOpen = true;

  constructor(counted: readonly Counted[], reservedTokens: number, clock: Clock, nowMs: number) {
    this.reservedTokens = reservedTokens;
    this.#counted = counted;
    this.#clock = clock;
    for (const { state, windows } of counted) {
      state.running += 1;
      for (const { window, shape } of windows) this.#buckets.push(window.add(nowMs, shape.counts === 'requests' ? 1 : reservedTokens));
    }
  }

  /** Too much reserved leaves the bucket it was taken in; what was used beyond it counts from now. */
  settle(actualTokens: number): void {
    if (!this.#isOpen) return;
    const difference = actualTokens - this.reservedTokens;
    this.#end(0, difference < 0 ? -difference : 0);
    if (difference <= 0) return;
    const nowMs = this.#clock.monotonicMs();
    for (const { windows } of this.#counted) {
      for (const { window, shape } of windows) if (shape.counts === 'tokens') window.add(nowMs, difference);
    }
  }

  cancel(): void {
    this.#end(1, this.reservedTokens);
  }

  windows(): readonly WindowState[] {
    return statesOf(this.#counted, this.#clock.monotonicMs());
  }

  #end(requestsBack: number, tokensBack: number): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    let place = 0;
    for (const { state, windows } of this.#counted) {
      state.running -= 1;
      for (const { window, shape } of windows) {
        const back = shape.counts === 'requests' ? requestsBack : tokensBack;
        if (back > 0) window.refund(this.#buckets[place] ?? -1, back);
        place += 1;
      }
    }
  }
}

function shareOf({ scope, id, limits }: LimitSubject, engines: number): LimitSubject {
  const shares = Object.entries(limits).map(([name, limit]) => [name, Math.max(1, Math.floor(limit / engines))]);
  return { scope, id, limits: Object.fromEntries(shares) as LimitSubject['limits'] };
}
