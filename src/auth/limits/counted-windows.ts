import { CONCURRENCY_RETRY_MS, type LimitSubject, type WindowShape, type WindowState } from './limit-store.js';
import { SlidingWindow } from './sliding-window.js';

/** What is counted of one subject. */
export interface SubjectState {
  readonly windows: Map<WindowShape, SlidingWindow>;
  /** Slots that are taken, those only held included. */
  running: number;
  /** Of these: slots that wait in a worker's allowance. */
  heldSlots: number;
  /** False once it was swept: whoever remembers it must look again, or one subject would be counted in two places. */
  isLive: boolean;
}

/** A subject with its limits looked up once, as admission walks over them. Current while its state lives. */
export interface Counted {
  readonly subject: LimitSubject;
  readonly state: SubjectState;
  readonly windows: readonly CountedWindow[];
}

export interface CountedWindow {
  readonly shape: WindowShape;
  readonly window: SlidingWindow;
  readonly limitCount: number;
}

/** Requests and tokens, for their windows, and slots. */
export interface Share {
  readonly requests: number;
  readonly tokens: number;
  readonly slots: number;
}

interface Obstacle {
  readonly state: WindowState;
  readonly retryAfterMs: number | null;
}

export function windowOf(state: SubjectState, shape: WindowShape): SlidingWindow {
  let window = state.windows.get(shape);
  if (window === undefined) {
    window = new SlidingWindow(shape.windowMs, shape.bucketMs);
    state.windows.set(shape, window);
  }
  return window;
}

/** The limit in the way of one more request that must be waited for longest; null when all have room. */
export function findObstacle(counted: readonly Counted[], minimumTokens: number, nowMs: number): Obstacle | null {
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
    worst = longer(worst, { state: concurrencyState(subject, concurrency, state), retryAfterMs: CONCURRENCY_RETRY_MS });
  }
  return worst;
}

/** Tokens left in the tightest window; Infinity where none counts them. */
export function tokenRoom(counted: readonly Counted[], nowMs: number): number {
  let room = Number.POSITIVE_INFINITY;
  for (const { windows } of counted) {
    for (const { shape, window, limitCount } of windows) {
      if (shape.counts === 'tokens') room = Math.min(room, limitCount - window.used(nowMs));
    }
  }
  return room;
}

/** What is left of each kind in the tightest window; Infinity where nothing limits it. */
export function roomOf(counted: readonly Counted[], nowMs: number): Share {
  let [requests, slots] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { subject, state, windows } of counted) {
    for (const { shape, window, limitCount } of windows) {
      if (shape.counts === 'requests') requests = Math.min(requests, limitCount - window.used(nowMs));
    }
    const { concurrency } = subject.limits;
    if (concurrency !== undefined) slots = Math.min(slots, concurrency - state.running);
  }
  return { requests, tokens: tokenRoom(counted, nowMs), slots };
}

export function statesOf(counted: readonly Counted[], nowMs: number): WindowState[] {
  const states: WindowState[] = [];
  for (const { subject, state, windows } of counted) {
    for (const entry of windows) states.push(windowState(subject, entry, nowMs));
    const { concurrency } = subject.limits;
    if (concurrency !== undefined) states.push(concurrencyState(subject, concurrency, state));
  }
  return states;
}

/** Null is for ever. */
function longer(left: Obstacle | null, right: Obstacle): Obstacle {
  if (left === null) return right;
  if (left.retryAfterMs === null) return left;
  return right.retryAfterMs === null || right.retryAfterMs > left.retryAfterMs ? right : left;
}

/** As it is told: what is only held may come back. */
function windowState({ scope, id }: LimitSubject, { shape, window, limitCount }: CountedWindow, nowMs: number): WindowState {
  return { scope, id, limit: shape.limit, limitCount, usedCount: window.used(nowMs) - window.heldCount, resetMs: window.emptyInMs(nowMs) };
}

function concurrencyState({ scope, id }: LimitSubject, limitCount: number, { running, heldSlots }: SubjectState): WindowState {
  return { scope, id, limit: 'concurrency', limitCount, usedCount: running - heldSlots, resetMs: 0 };
}
