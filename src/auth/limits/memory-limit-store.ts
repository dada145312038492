import type { Clock } from '../../platform/clock/index.js';
import {
  CONCURRENCY_RETRY_MS,
  LimitStore,
  WINDOW_SHAPES,
  type Demand,
  type LimitSubject,
  type Outcome,
  type Refusal,
  type Reservation,
  type WindowShape,
  type WindowState,
} from './limit-store.js';
import { SlidingWindow } from './sliding-window.js';

interface SubjectState {
  readonly windows: Map<WindowShape, SlidingWindow>;
  running: number;
}

interface Obstacle {
  readonly state: WindowState;
  readonly retryAfterMs: number | null;
}

/** Idle subjects are forgotten after so many admissions, so that memory follows the keys in use. */
const SWEEP_EVERY = 10_000;

/** Windows of one process. Synchronous, so judging and taking is one step by nature. */
export class MemoryLimitStore extends LimitStore {
  readonly #clock: Clock;
  readonly #subjects = new Map<string, SubjectState>();
  #sinceSweep = 0;

  constructor(clock: Clock) {
    super();
    this.#clock = clock;
  }

  get subjectCount(): number {
    return this.#subjects.size;
  }

  /** @param engines how many share the limits while nothing else keeps them together: each takes its part, at least 1 */
  override admit(demand: Demand, engines = 1): Outcome {
    const nowMs = this.#clock.monotonicMs();
    const subjects = engines === 1 ? demand.subjects : demand.subjects.map((subject) => shareOf(subject, engines));
    const obstacle = this.#obstacle({ ...demand, subjects }, nowMs);
    if (obstacle !== null) return this.#refusal(subjects, obstacle, nowMs);
    const reserved = this.#room({ ...demand, subjects }, nowMs);
    const reservation = this.take(subjects, reserved);
    return { admitted: true, reservation, windows: this.#states(subjects, nowMs) };
  }

  override async observe(subjects: readonly LimitSubject[]): Promise<WindowState[]> {
    return this.#states(subjects, this.#clock.monotonicMs());
  }

  override close(): void {}

  #obstacle(demand: Demand, nowMs: number): Obstacle | null {
    let worst: Obstacle | null = null;
    for (const subject of demand.subjects) {
      for (const shape of WINDOW_SHAPES) {
        const limitCount = subject.limits[shape.limit];
        if (limitCount === undefined) continue;
        const amount = shape.counts === 'requests' ? 1 : demand.minimumTokens;
        const window = this.#windowOf(subject, shape);
        if (window.used(nowMs) + amount <= limitCount) continue;
        const retryAfterMs = amount > limitCount ? null : Math.ceil(window.fitsInMs(nowMs, amount, limitCount));
        worst = longer(worst, { state: stateOf(subject, shape, window, nowMs), retryAfterMs });
      }
      const { concurrency } = subject.limits;
      const running = this.#subject(subject).running;
      if (concurrency === undefined || running < concurrency) continue;
      worst = longer(worst, { state: concurrencyState(subject, concurrency, running), retryAfterMs: CONCURRENCY_RETRY_MS });
    }
    return worst;
  }

  #room(demand: Demand, nowMs: number): number {
    let room = demand.reserveTokens;
    for (const subject of demand.subjects) {
      for (const shape of WINDOW_SHAPES) {
        const limitCount = subject.limits[shape.limit];
        if (shape.counts !== 'tokens' || limitCount === undefined) continue;
        room = Math.min(room, limitCount - this.#windowOf(subject, shape).used(nowMs));
      }
    }
    return Math.max(room, demand.minimumTokens);
  }

  /** Counts without judging: for what was admitted elsewhere. */
  take(subjects: readonly LimitSubject[], reservedTokens: number): Reservation {
    const nowMs = this.#clock.monotonicMs();
    this.#sweep(nowMs);
    const taken: { window: SlidingWindow; bucket: number; shape: WindowShape }[] = [];
    const states = subjects.map((subject) => this.#subject(subject));
    for (const subject of subjects) {
      for (const shape of WINDOW_SHAPES) {
        if (subject.limits[shape.limit] === undefined) continue;
        const window = this.#windowOf(subject, shape);
        taken.push({ window, shape, bucket: window.add(nowMs, shape.counts === 'requests' ? 1 : reservedTokens) });
      }
    }
    for (const state of states) state.running += 1;
    let isOpen = true;
    const end = (correct: () => void): void => {
      if (!isOpen) return;
      isOpen = false;
      for (const state of states) state.running -= 1;
      correct();
    };
    const tokens = taken.filter(({ shape }) => shape.counts === 'tokens');
    return {
      reservedTokens,
      settle: (actualTokens) => end(() => this.#correct(tokens, actualTokens - reservedTokens)),
      cancel: () =>
        end(() => {
          for (const { window, bucket, shape } of taken) window.refund(bucket, shape.counts === 'requests' ? 1 : reservedTokens);
        }),
    };
  }

  /** Too much reserved leaves the bucket it was taken in; what was used beyond it counts from now. */
  #correct(tokens: readonly { window: SlidingWindow; bucket: number }[], difference: number): void {
    if (difference === 0) return;
    const nowMs = this.#clock.monotonicMs();
    for (const { window, bucket } of tokens) {
      if (difference < 0) window.refund(bucket, -difference);
      else window.add(nowMs, difference);
    }
  }

  #refusal(subjects: readonly LimitSubject[], { state, retryAfterMs }: Obstacle, nowMs: number): Refusal {
    return { admitted: false, binding: state, retryAfterMs, windows: this.#states(subjects, nowMs) };
  }

  #states(subjects: readonly LimitSubject[], nowMs: number): WindowState[] {
    const states: WindowState[] = [];
    for (const subject of subjects) {
      for (const shape of WINDOW_SHAPES) {
        if (subject.limits[shape.limit] !== undefined) states.push(stateOf(subject, shape, this.#windowOf(subject, shape), nowMs));
      }
      const { concurrency } = subject.limits;
      if (concurrency !== undefined) states.push(concurrencyState(subject, concurrency, this.#subject(subject).running));
    }
    return states;
  }

  #subject({ scope, id }: LimitSubject): SubjectState {
    const name = `${scope}:${id}`;
    let state = this.#subjects.get(name);
    if (state === undefined) {
      state = { windows: new Map(), running: 0 };
      this.#subjects.set(name, state);
    }
    return state;
  }

  #windowOf(subject: LimitSubject, shape: WindowShape): SlidingWindow {
    const { windows } = this.#subject(subject);
    let window = windows.get(shape);
    if (window === undefined) {
      window = new SlidingWindow(shape.windowMs, shape.bucketMs);
      windows.set(shape, window);
    }
    return window;
  }

  #sweep(nowMs: number): void {
    this.#sinceSweep += 1;
    if (this.#sinceSweep < SWEEP_EVERY) return;
    this.#sinceSweep = 0;
    for (const [name, { windows, running }] of this.#subjects) {
      const isIdle = running === 0 && [...windows.values()].every((window) => window.used(nowMs) === 0);
      if (isIdle) this.#subjects.delete(name);
    }
  }
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

function stateOf({ scope, id, limits }: LimitSubject, shape: WindowShape, window: SlidingWindow, nowMs: number): WindowState {
  const usedCount = window.used(nowMs);
  return { scope, id, limit: shape.limit, limitCount: limits[shape.limit] ?? 0, usedCount, resetMs: window.emptyInMs(nowMs) };
}

function concurrencyState({ scope, id }: LimitSubject, limitCount: number, usedCount: number): WindowState {
  return { scope, id, limit: 'concurrency', limitCount, usedCount, resetMs: 0 };
}
