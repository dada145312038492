import type { Share } from './counted-windows.js';
import type { LimitSubject } from './limit-store.js';
import type { Booking } from './memory-limit-store.js';

/** Topic on which workers of one machine and their primary speak of allowances: what a worker may admit without asking. */
export const ALLOWANCES_TOPIC = 'allowances';

/** How one allowance of a worker stands. What it says is whole, so that a report supersedes all before it; the channel keeps their order. */
export interface AllowanceReport {
  /** Given by the worker. */
  readonly number: number;
  /** With the first report: those whose windows it is taken from. */
  readonly subjects?: readonly LimitSubject[];
  /** Since the last report. */
  readonly used: Booking['used'];
  readonly back: Booking['back'];
  /** What the worker may use yet; its slots are the free ones. */
  readonly left: Share;
  /** Requests that were admitted by it and have not ended. */
  readonly running: number;
  /** What the worker would like to have left; null when it is closed: then nothing is left. */
  readonly wanted: Share | null;
  /** The number is void from now on. */
  readonly isLast: boolean;
}

/** Answers a report. */
export interface AllowanceGrant {
  /** To be added to what is left; null when a limit is too near. */
  readonly added: Share | null;
  /** When what was used began to count, for `back` of later reports; ms of the primary's clock. */
  readonly bookedMs: number;
  /** `…usedCount and resetMs of every window`, what allowances hold left out. */
  readonly windows: readonly number[];
}

/** Asked of a worker: the numbers of allowances to close. Its reports come before its answer. */
export type AllowanceRecall = readonly number[];
