import type { EndpointTarget } from '../protocol.js';

/** CONTRACT section 3: base + `/api/chat`; what of it an operator wrote already is not doubled. */
export function endpoint({ baseUrl }: EndpointTarget): string {
  const base = baseUrl.replace(/\/+$/, '');
  if (base.endsWith('/api/chat')) return base;
  return base.endsWith('/api') ? `${base}/chat` : `${base}/api/chat`;
}
