const CHAT_PATH = /\/chat\/completions$/;

/** CONTRACT section 3: the base ends in its version (none: `/v1`), the operation's path is appended; a query stays behind it. */
export function openaiEndpoint(baseUrl: string, path: string): string {
  const url = new URL(baseUrl);
  const base = url.pathname.replace(/\/+$/, '').replace(CHAT_PATH, '');
  url.pathname = `${base === '' ? '/v1' : base}${path}`;
  url.hash = '';
  return url.toString();
}

/** Cohere: `/v2` is appended unless a version stands there. */
export function cohereEndpoint(baseUrl: string, path: string): string {
  const url = new URL(baseUrl);
  const base = url.pathname.replace(/\/+$/, '').replace(/\/chat$/, '');
  url.pathname = `${/\/v\d+$/.test(base) ? base : `${base}/v2`}${path}`;
  return url.toString();
}
