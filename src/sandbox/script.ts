import type { FinishReason } from '../core/chat/response.js';
import type { GatewayError } from '../core/errors/gateway-error.js';

/** A piece of an answer, sent `delayMs` after the one before. */
export type Piece =
  | { kind: 'text'; text: string; delayMs: number }
  | { kind: 'reasoning'; text: string; delayMs: number }
  | { kind: 'tool-call'; name: string; argumentsText: string; delayMs: number };

/** What a sandbox model does with one request: all of it is known before the first byte. */
export type Script =
  /** `ending`: whole, or broken off (`cut`) or left hanging (`stall`) after the last piece. */
  | { kind: 'answer'; pieces: Piece[]; finish: FinishReason; ending: 'whole' | 'cut' | 'stall' }
  | { kind: 'error'; status: number; error: GatewayError; headers?: Record<string, string> };
