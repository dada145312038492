import type { EndpointTarget } from '../protocol.js';

const PATH = '/chat/completions';

/**
 * CONTRACT section 3: a base URL ends in its version; one without a path gets `/v1`. A query (Azure's `api-version`) stays
 * behind the path; a final slash, and the path itself when an operator pasted it, are not doubled.
 */
export function endpoint({ baseUrl }: EndpointTarget): string {
  const url = new URL(baseUrl);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(PATH) ? path : `${path === '' ? '/v1' : path}${PATH}`;
  url.hash = '';
  return url.toString();
}
