import type { IncomingHttpHeaders } from 'node:http';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { isWellFormedToken } from '../../platform/secrets/index.js';

/** What of a request authentication may look at: its headers, nothing else. `IncomingMessage` is one. */
export interface CredentialHeaders {
  readonly headers: IncomingHttpHeaders;
  /** Names and values as they came: the only place where a second `Authorization` is still seen (Node drops it from `headers`). */
  readonly rawHeaders?: readonly string[];
  /** The connection they came over. */
  readonly socket?: object;
}

/** Why a request was not authenticated: the label of `og_auth_failures_total`. */
export type AuthFailure = 'missing' | 'malformed' | 'unknown' | 'revoked' | 'expired' | 'ip' | 'scope';

const KEY_PREFIX = 'sk-og-';
const AUTHORIZATION = 'authorization';
/** Longer texts are no key of ours; they are not hashed. */
const MAX_KEY_CHARS = 256;

/** One text for everything that is not a key in force: it must not tell a malformed key from an unknown one. */
const INVALID_MESSAGE = 'The API key is not valid. Keys of this gateway start with `sk-og-`.';
const TYPO_MESSAGE = 'The API key has a typing error: its checksum does not match. A character is wrong, missing or too many.';
const MISSING_MESSAGE = 'No API key was sent. Send it as `Authorization: Bearer sk-og-…`, or in `x-api-key` or `api-key`.';

export class AuthenticationError extends GatewayError {
  constructor(
    readonly reason: AuthFailure,
    code: 'missing_api_key' | 'invalid_api_key' | 'revoked_api_key' | 'expired_api_key',
    message: string,
  ) {
    super(code, message);
  }
}

export function unknownKey(): AuthenticationError {
  return new AuthenticationError('unknown', 'invalid_api_key', INVALID_MESSAGE);
}

/**
 * The key as the client sent it, trimmed: `Authorization: Bearer` before `x-api-key` before `api-key`. Throws
 * AuthenticationError when there is none, or two `Authorization` headers (a proxy and we might each believe another one).
 */
export function readCredential({ headers, rawHeaders }: CredentialHeaders): string {
  if (rawHeaders !== undefined && hasTwoAuthorizations(rawHeaders)) {
    throw new AuthenticationError('malformed', 'invalid_api_key', 'Two Authorization headers were sent. Send one.');
  }
  const bearer = headers.authorization === undefined ? null : bearerOf(headers.authorization);
  if (bearer !== null && bearer !== '') return bearer;
  const other = single(headers['x-api-key']) ?? single(headers['api-key']);
  if (other !== null) return other;
  if (headers.authorization === undefined || bearer === '') throw new AuthenticationError('missing', 'missing_api_key', MISSING_MESSAGE);
  throw new AuthenticationError('malformed', 'invalid_api_key', INVALID_MESSAGE);
}

/** Throws AuthenticationError for what cannot be a key, before anything is asked: format and checksum decide. */
export function requireWellFormed(key: string): void {
  if (isWellFormedToken('sk-og', key)) return;
  const isTypo = key.startsWith(KEY_PREFIX) && key.length <= MAX_KEY_CHARS && /^[0-9A-Za-z]+$/.test(key.slice(KEY_PREFIX.length));
  throw new AuthenticationError('malformed', 'invalid_api_key', isTypo ? TYPO_MESSAGE : INVALID_MESSAGE);
}

/** Null when the scheme is not Bearer; '' when nothing follows it, or nothing was sent at all. */
function bearerOf(authorization: string): string | null {
  if (authorization.startsWith('Bearer ')) return authorization.slice(7).trim();
  const text = authorization.trim();
  if (text === '') return '';
  if (text.length < 6 || text.slice(0, 6).toLowerCase() !== 'bearer') return null;
  const rest = text.slice(6);
  return rest === '' || /^\s/.test(rest) ? rest.trim() : null;
}

function single(value: string | string[] | undefined): string | null {
  const text = Array.isArray(value) ? value[0] : value;
  if (text === undefined) return null;
  const trimmed = text.trim();
  return trimmed === '' ? null : trimmed;
}

/** Proxies and servers disagree which of two counts. */
export function hasTwoAuthorizations(rawHeaders: readonly string[]): boolean {
  let found = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name !== undefined && name.length === AUTHORIZATION.length && name.toLowerCase() === AUTHORIZATION) found += 1;
  }
  return found > 1;
}
