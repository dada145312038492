import { GatewayError } from '../../core/errors/gateway-error.js';

/** Node takes the first of two and a proxy may take the last: who is meant must not be a matter of taste (RFC 9112 section 3.2). Null when all is well. */
export function refuseTwoHosts(rawHeaders: readonly string[]): GatewayError | null {
  let found = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') found += 1;
  }
  return found > 1 ? new GatewayError('invalid_request', 'Two Host headers were sent. Send one.', { headers: { connection: 'close' } }) : null;
}
