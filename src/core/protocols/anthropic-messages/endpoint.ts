import type { EndpointTarget } from '../protocol.js';

/** base + `/v1/messages`; a version segment already at the end of the base is not doubled (CONTRACT section 3). */
export function endpoint(target: EndpointTarget): string {
  const base = target.baseUrl.replace(/\/+$/, '');
  return /\/v\d+(?:beta\d*|alpha\d*)?$/.test(base) ? `${base}/messages` : `${base}/v1/messages`;
}
