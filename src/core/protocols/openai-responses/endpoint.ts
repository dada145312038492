import type { EndpointTarget } from '../protocol.js';

const PATH = '/responses';

/** CONTRACT section 3: a base URL ends in its version; one without a path gets `/v1`. A query stays behind the path; the path itself is not doubled. */
export function endpoint({ baseUrl }: EndpointTarget): string {
  const url = new URL(baseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(PATH) ? path : `${path === '' ? '/v1' : path}${PATH}`;
  url.hash = '';
  return url.toString();
}
