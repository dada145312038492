import type { IncomingHttpHeaders } from 'node:http';
import { invalidRequest } from '../../core/errors/gateway-error.js';

export const IDEMPOTENCY_HEADER = 'idempotency-key';
/** A header sent twice arrives joined by a comma and a space, which is refused, too. */
const KEY = /^[\x21-\x7e]{1,255}$/;

/** Undefined without the header. Throws `invalid_request` that names it. */
export function readIdempotencyKey(headers: IncomingHttpHeaders): string | undefined {
  const value = headers[IDEMPOTENCY_HEADER];
  if (value === undefined) return undefined;
  if (typeof value === 'string' && KEY.test(value)) return value;
  throw invalidRequest(IDEMPOTENCY_HEADER, `The header ${IDEMPOTENCY_HEADER} takes 1 to 255 visible ASCII characters without spaces.`);
}
