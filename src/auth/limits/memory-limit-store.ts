import type { Clock } from '../../platform/clock/index.js';
import {
  CONCURRENCY_RETRY_MS,
  LimitStore,
  WINDOW_SHAPES,
  type Demand,
  type LimitSubject,
  type Outcome,
  type Reservation,
  type WindowShape,
  type WindowState,
} from './limit-store.js';
import { SlidingWindow, type WindowStep } from './sliding-window.js';

interface SubjectState {
  readonly windows: Map<WindowShape, SlidingWindow>;
  running: number;
  /** False once it was swept: whoever remembers it must look again, or one subject would be counted in two places. */
  isLive: boolean;
}

/** A subject with its limits looked up once, as admission walks over them. Current while its state lives. */
interface Counted {
  readonly subject: LimitSubject;
  readonly state: SubjectState;
  readonly windows: readonly CountedWindow[];
}

interface CountedWindow {
  readonly shape: WindowShape;
  readonly window: SlidingWindow;
  readonly limitCount: number;
}

interface Obstacle {
  readonly state: WindowState;
  readonly retryAfterMs: number | null;
}

/** Windows as they are kept over a restart, oldest step first. */
export type SavedWindows = Partial<Record<WindowShape['limit'], readonly WindowStep[]>>;
export type SavedSubjects = Readonly<Record<string, SavedWindows>>;

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
    return new MemoryReservation(subjects.map((subject) => this.#countedOf(subject)), reservedTokens, this.#clock, nowMs);
  }

  override async observe(subjects: readonly LimitSubject[]): Promise<WindowState[]> {
    return statesOf(subjects.map((subject) => this.#countedOf(subject)), this.#clock.monotonicMs());
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

  #countedOf(subject: LimitSubject): Counted {
    const known = this.#counted.get(subject);
    if (known !== undefined && known.state.isLive) return known;
    const state = this.#stateOf(`${subject.scope}:${subject.id}`);
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
      state = { windows: new Map(), running: 0, isLive: true };
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

function windowOf(state: SubjectState, shape: WindowShape): SlidingWindow {
  let window = state.windows.get(shape);
  if (window === undefined) {
    window = new SlidingWindow(shape.windowMs, shape.bucketMs);
    state.windows.set(shape, window);
  }
  return window;
}

function findObstacle(counted: readonly Counted[], minimumTokens: number, nowMs: number): Obstacle | null {
  let worst: Obstacle | null = null;
  for (const { subject, state, windows } of counted) {
    for (const entry of windows) {
      const amount = entry.shape.counts === 'requests' ? 1 : minimumTokens;
      if (entry.window.used(nowMs) + amount <= entry.limitCount) continue;
      const retryAfterMs = amount > entry.limitCount ? null : Math.ceil(entry.window.fitsInMs(nowMs, amount, entry.limitCount));
      worst = longer(worst, { state: windowState(subject, entry, nowMs), retryAfterMs });
    }
    const { concurrency } = subject.limits;
    if (concurrency === undefined || state.running < concurrency) continue;
    worst = longer(worst, { state: concurrencyState(subject, concurrency, state.running), retryAfterMs: CONCURRENCY_RETRY_MS });
  }
  return worst;
}

function tokenRoom(counted: readonly Counted[], nowMs: number): number {
  let room = Number.POSITIVE_INFINITY;
  for (const { windows } of counted) {
    for (const { shape, window, limitCount } of windows) {
      if (shape.counts === 'tokens') room = Math.min(room, limitCount - window.used(nowMs));
    }
  }
  return room;
}

function statesOf(counted: readonly Counted[], nowMs: number): WindowState[] {
  const states: WindowState[] = [];
  for (const { subject, state, windows } of counted) {
    for (const entry of windows) states.push(windowState(subject, entry, nowMs));
    const { concurrency } = subject.limits;
    if (concurrency !== undefined) states.push(concurrencyState(subject, concurrency, state.running));
  }
  return states;
}

function shareOf({ scope, id, limits }: LimitSubject, engines: number): LimitSubject {
  const shares = Object.entries(limits).map(([name, limit]) => [name, Math.max(1, Math.floor(limit / engines))]);
  return { scope, id, limits: Object.fromEntries(shares) as LimitSubject['limits'] };
}

/** Null is for ever. */
function longer(left: Obstacle | null, right: Obstacle): Obstacle {
  if (left === null) return right;
  if (left.retryAfterMs === null) return left;
  return right.retryAfterMs === null || right.retryAfterMs > left.retryAfterMs ? right : left;
}

function windowState({ scope, id }: LimitSubject, { shape, window, limitCount }: CountedWindow, nowMs: number): WindowState {
  return { scope, id, limit: shape.limit, limitCount, usedCount: window.used(nowMs), resetMs: window.emptyInMs(nowMs) };
}

function concurrencyState({ scope, id }: LimitSubject, limitCount: number, usedCount: number): WindowState {
  return { scope, id, limit: 'concurrency', limitCount, usedCount, resetMs: 0 };
}
