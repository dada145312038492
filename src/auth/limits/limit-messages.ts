import type { Demand, LimitSubject, WindowState } from './limit-store.js';

/** Topic on which workers of one machine ask the primary, who counts for all of them. */
export const LIMITS_TOPIC = 'limits';

/** Everything a worker wants within one turn of its event loop, in one message. */
export interface LimitsQuestion {
  readonly admit: readonly { readonly id: number; readonly demand: Demand }[];
  readonly observe: readonly { readonly id: number; readonly subjects: readonly LimitSubject[] }[];
}

/** Ends of admissions, told and not answered: tokens really used, or null when it is as if the request had never come. */
export type LimitsEnds = readonly { readonly id: number; readonly actualTokens: number | null }[];

export interface AdmitAnswer {
  readonly id: number;
  readonly admitted: boolean;
  readonly reservedTokens: number;
  readonly windows: readonly WindowState[];
  /** Of a refusal. */
  readonly binding?: WindowState;
  readonly retryAfterMs?: number | null;
}

export interface LimitsAnswer {
  readonly admit: readonly AdmitAnswer[];
  readonly observe: readonly { readonly id: number; readonly windows: readonly WindowState[] }[];
}
