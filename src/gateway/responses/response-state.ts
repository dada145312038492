import type { StreamMemory } from '../../core/protocols/protocol.js';
import type { Exchange } from '../exchange.js';

/** What a request to the Responses API knows beyond its body, for its answer. */
export interface ResponseState {
  /** The answer will be kept. */
  keep: boolean;
  previousResponseId?: string;
  memory: StreamMemory;
}

/** Undefined for requests to other APIs. */
export function responseStateOf(exchange: Exchange): ResponseState | undefined {
  return exchange.responseState;
}

export function openResponseState(exchange: Exchange, state: Omit<ResponseState, 'memory'>): void {
  exchange.responseState = { ...state, memory: { sequence: 0, started: false } };
}
