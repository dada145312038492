import type { StreamMemory } from '../../core/protocols/protocol.js';
import type { Exchange } from '../exchange.js';

/** What a request to the Responses API knows beyond its body, for its answer. */
export interface ResponseState {
  /** The answer will be kept. */
  keep: boolean;
  previousResponseId?: string;
  memory: StreamMemory;
}

const STATES = new WeakMap<Exchange, ResponseState>();

/** Undefined for requests to other APIs. */
export function responseStateOf(exchange: Exchange): ResponseState | undefined {
  return STATES.get(exchange);
}

export function openResponseState(exchange: Exchange, state: Omit<ResponseState, 'memory'>): void {
  STATES.set(exchange, { ...state, memory: { sequence: 0, started: false } });
}
