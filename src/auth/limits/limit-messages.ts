import { WINDOW_SHAPES, type LimitName, type LimitSubject, type WindowState } from './limit-store.js';

/** Topic on which workers of one machine ask the primary, who counts for all of them. */
export const LIMITS_TOPIC = 'limits';

/**
 * Everything a worker wants within one turn of its event loop, in one message. Subjects are spoken of by a number that the worker gave
 * them when it first did: as they are, they are most of a message.
 */
export interface LimitsQuestion {
  /** All numbers given before are void. */
  readonly forget: boolean;
  readonly define: readonly (readonly [number: number, subject: LimitSubject])[];
  /** `[id, minimumTokens, reserveTokens, …numbers of subjects]` */
  readonly admit: readonly (readonly number[])[];
  /** `[id, …numbers of subjects]` */
  readonly observe: readonly (readonly number[])[];
}

/** Ends of admissions, told and not answered: tokens really used, or null when it is as if the request had never come. */
export type LimitsEnds = readonly (readonly [id: number, actualTokens: number | null])[];

export interface LimitsAnswer {
  /** `[id, reservedTokens, …usedCount and resetMs of every window]`, in the order of `windowsOf` of each subject. */
  readonly admitted: readonly (readonly number[])[];
  readonly refused: readonly RefusedAdmission[];
  /** `[id, …usedCount and resetMs of every window]` */
  readonly observed: readonly (readonly number[])[];
}

export interface RefusedAdmission {
  readonly id: number;
  readonly binding: WindowState;
  readonly retryAfterMs: number | null;
  readonly windows: readonly WindowState[];
}

/** The limits of a subject in the order in which stores tell their windows. */
export function windowsOf({ limits }: LimitSubject): readonly LimitName[] {
  const names: LimitName[] = WINDOW_SHAPES.map(({ limit }) => limit).filter((limit) => limits[limit] !== undefined);
  return limits.concurrency === undefined ? names : [...names, 'concurrency'];
}

/** What changes of windows from one answer to the next, behind what stands in `numbers` already. */
export function appendWindows(numbers: number[], windows: readonly WindowState[]): number[] {
  for (const { usedCount, resetMs } of windows) numbers.push(usedCount, Math.ceil(resetMs));
  return numbers;
}

/** @param start where they begin in `numbers` */
export function windowsFrom(subjects: readonly LimitSubject[], numbers: readonly number[], start: number): WindowState[] {
  const windows: WindowState[] = [];
  let place = start;
  for (const subject of subjects) {
    const { scope, id, limits } = subject;
    for (const limit of windowsOf(subject)) {
      windows.push({ scope, id, limit, limitCount: limits[limit] as number, usedCount: numbers[place] as number, resetMs: numbers[place + 1] as number });
      place += 2;
    }
  }
  return windows;
}
