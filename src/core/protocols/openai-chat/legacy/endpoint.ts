import type { EndpointTarget } from '../../protocol.js';

/** CONTRACT section 3: as for chat, with `/completions`. */
export function completionsEndpoint({ baseUrl }: EndpointTarget): string {
  const url = new URL(baseUrl);
  const path = url.pathname.replace(/\/+$/, '').replace(/(?:\/chat)?\/completions$/, '');
  url.pathname = `${path === '' ? '/v1' : path}/completions`;
  url.hash = '';
  return url.toString();
}
