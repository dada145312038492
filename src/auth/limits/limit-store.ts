import type { LayerName, Limits } from '../../core/policy/index.js';

export type LimitName = keyof Limits;

/** Who limits: a layer of the caller, or the route that rules the request. */
export type LimitScope = LayerName | 'route';

/** Its windows are shared by everything under it. */
export interface LimitSubject {
  readonly scope: LimitScope;
  readonly id: string;
  readonly limits: Limits;
}

/** By it the windows of a subject are found, whatever its limits are. */
export function nameOf({ scope, id }: Pick<LimitSubject, 'scope' | 'id'>): string {
  return `${scope}:${id}`;
}

export interface Demand {
  /** The same list for the same caller, so that a store may remember something of it. */
  readonly subjects: readonly LimitSubject[];
  /** Must fit, or the request is refused. */
  readonly minimumTokens: number;
  /** Reserved as far as the windows have room; at least the minimum. */
  readonly reserveTokens: number;
}

/** One limit of one subject. */
export interface WindowState {
  readonly scope: LimitScope;
  readonly id: string;
  readonly limit: LimitName;
  readonly limitCount: number;
  readonly usedCount: number;
  /** Until nothing counts any more; 0 for concurrency. */
  readonly resetMs: number;
}

export interface Refusal {
  readonly admitted: false;
  /** The window that must be waited for longest. */
  readonly binding: WindowState;
  /** Waiting so long suffices if nobody else comes first; null when waiting never helps: the request alone exceeds the limit. */
  readonly retryAfterMs: number | null;
  readonly windows: readonly WindowState[];
}

export interface Grant {
  readonly admitted: true;
  readonly reservation: Reservation;
}

export type Outcome = Grant | Refusal;

/** What was taken, to be given back or corrected once. */
export interface Reservation {
  readonly reservedTokens: number;
  /** The request ended: its slots are free, its tokens become what it used. Never throws, never waits. */
  settle(actualTokens: number): void;
  /** The request was refused after all, before anybody worked on it: as if it had never come. */
  cancel(): void;
  /** Where the windows stand now, this request and its corrections included. */
  windows(): readonly WindowState[];
}

/** Where windows are counted. All of a demand's windows are judged and taken in one step: all or none. */
export abstract class LimitStore {
  abstract admit(demand: Demand): Outcome | Promise<Outcome>;
  /** For `GET /v1/key`: nothing is counted. */
  abstract observe(subjects: readonly LimitSubject[]): Promise<WindowState[]>;
  /**
   * Resolves when whoever counts has been told of all ends so far; undefined when that is so. An answer that waits for it finds the
   * slot of its request free for the next one, wherever that arrives.
   */
  told(): Promise<void> | undefined {
    return undefined;
  }

  /** Timers end; what runs may still be given back. */
  abstract close(): void;
}

export const MINUTE_MS = 60_000;
export const DAY_MS = 86_400_000;

export interface WindowShape {
  readonly limit: 'rpm' | 'rpd' | 'tpm';
  readonly windowMs: number;
  readonly bucketMs: number;
  readonly counts: 'requests' | 'tokens';
}

/** A minute in quarters of a second, a day in five minutes: at most 290 buckets each. */
export const WINDOW_SHAPES: readonly WindowShape[] = [
  { limit: 'rpm', windowMs: MINUTE_MS, bucketMs: 250, counts: 'requests' },
  { limit: 'rpd', windowMs: DAY_MS, bucketMs: 300_000, counts: 'requests' },
  { limit: 'tpm', windowMs: MINUTE_MS, bucketMs: 250, counts: 'tokens' },
];

/** When a running request will end is not known; this is when to look again. */
export const CONCURRENCY_RETRY_MS = 1_000;
