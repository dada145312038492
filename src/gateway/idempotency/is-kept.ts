import type { Exchange } from '../exchange.js';

/** Clients repeat the key when they retry these by themselves: they must run again. */
const RETRIED_STATUSES = new Set([408, 409, 425, 429]);

/**
 * Whether an answer is the final word on its request: a success, or a refusal after admission that no repeat would change.
 * @param status that the client is sent
 */
export function isKept({ error, hold, settlement }: Exchange, status: number): boolean {
  if (error === undefined) return settlement !== undefined && settlement.state === 'completed';
  if (hold === undefined || status < 400 || status >= 500) return false;
  return !RETRIED_STATUSES.has(status) && error.entry.shouldRetry !== true;
}
