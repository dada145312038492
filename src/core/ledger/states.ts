import type { RequestState } from './settlement.js';

/** States a row can have in the database; `received` and `admitted` are memory and journal only. */
export type StoredState = Exclude<RequestState, 'received' | 'admitted'>;
export type EndState = 'completed' | 'failed' | 'canceled';

const EDGES: Readonly<Record<RequestState, readonly RequestState[]>> = {
  received: ['admitted'],
  admitted: ['forwarded', 'failed', 'canceled', 'completed'],
  forwarded: ['streaming', 'completed', 'failed', 'canceled'],
  streaming: ['completed', 'failed', 'canceled'],
  completed: ['compensated'],
  failed: ['compensated'],
  canceled: ['compensated'],
  compensated: [],
};

/** Whether a request may go from one state to the next (the database's trigger says the same, invariant I10). */
export function isLegalEdge(from: RequestState, to: RequestState): boolean {
  return EDGES[from].includes(to);
}

/** Money of a request in one of these is decided; only a correction may follow. */
export function isEnded(state: RequestState): boolean {
  return state === 'completed' || state === 'failed' || state === 'canceled' || state === 'compensated';
}
