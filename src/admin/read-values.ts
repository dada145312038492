import { invalidRequest } from '../core/errors/gateway-error.js';
import { InvalidAmountError, parseUsd } from '../core/pricing/index.js';

/** A decimal string in USD → nano-USD. Throws 400 that names the member. */
export function readUsd(param: string, value: unknown): bigint {
  try {
    return parseUsd(value);
  } catch (error) {
    if (error instanceof InvalidAmountError) throw invalidRequest(param, `${param} ${error.message}.`);
    throw error;
  }
}

/** An ISO 8601 time that is still to come → milliseconds since 1970. Throws 400 that names the member. */
export function readFuture(param: string, text: string): number {
  const ms = Date.parse(text);
  // class-validator knows the grammar, not the calendar: a 30th of February is no time.
  if (!(ms > Date.now())) throw invalidRequest(param, `${param} must lie in the future.`);
  return ms;
}
