import type { Credential } from '../../core/catalog/model.js';
import type { UpstreamRequest } from '../../core/upstream/upstream.js';
import type { AuthScheme } from '../definitions/index.js';

/** A credential belongs to its provider's address: sending it elsewhere would be our mistake, so it stops here (A06). */
export class ForeignAddressError extends Error {
  override name = 'ForeignAddressError';
}

/** Forms in which a key is sent as it is; the others are UpstreamAuth's. */
type KeyScheme = Exclude<AuthScheme, { kind: 'aws' | 'google' }>;

export function assertOwnAddress(request: UpstreamRequest, target: { baseUrl: string }): void {
  const { url } = request;
  const { baseUrl } = target;
  if (url.startsWith(baseUrl) && (url.length === baseUrl.length || url.charCodeAt(baseUrl.length) === SLASH)) return;
  if (originOf(url) !== originOf(baseUrl)) throw new ForeignAddressError('the request’s address is not the provider’s');
}

/** Adds exactly one form of authentication. Without a key (own servers) nothing is added. */
export function authorize(request: UpstreamRequest, scheme: KeyScheme, target: { baseUrl: string; credential: Credential }): UpstreamRequest {
  assertOwnAddress(request, target);
  const key = target.credential.secrets['key'];
  if (scheme.kind === 'none' || key === undefined || key === '') return request;
  switch (scheme.kind) {
    case 'bearer':
      return withHeader(request, 'authorization', `Bearer ${key}`);
    case 'header':
      return withHeader(request, scheme.name, key);
    case 'query':
      return { ...request, url: `${request.url}${request.url.includes('?') ? '&' : '?'}${scheme.name}=${encodeURIComponent(key)}` };
  }
}

const SLASH = 0x2f;

interface Authorized {
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers that recur, with the key (or the token, as long as it lasts) of their deployment. */
const AUTHORIZED = new WeakMap<object, Authorized>();

/** Never a header of every call's own: what is made of it is kept. */
export function withHeader(request: UpstreamRequest, name: string, value: string): UpstreamRequest {
  const { method, url, headers, headersRecur, body, deadlines } = request;
  if (headersRecur !== true) return { ...request, headers: { ...headers, [name]: value } };
  let authorized = AUTHORIZED.get(headers);
  if (authorized?.value !== value) AUTHORIZED.set(headers, (authorized = { value, headers: { ...headers, [name]: value } }));
  return { method, url, headers: authorized.headers, headersRecur, body, deadlines };
}

/** Scheme, host and port as written; base URLs are normalised when they are configured. */
function originOf(url: string): string {
  const end = url.indexOf('/', url.indexOf('://') + 3);
  return end < 0 ? url : url.slice(0, end);
}
