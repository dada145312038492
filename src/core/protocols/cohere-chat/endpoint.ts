import type { EndpointTarget } from '../protocol.js';

/** CONTRACT section 3: base + `/v2/chat`; a version at the end of the base, or the path itself, is not doubled. */
export function endpoint({ baseUrl }: EndpointTarget): string {
  const base = baseUrl.replace(/\/+$/, '');
  if (base.endsWith('/chat')) return base;
  return /\/v\d+$/.test(base) ? `${base}/chat` : `${base}/v2/chat`;
}
