import { createHash, createSign } from 'node:crypto';
import type { Deadlines, UpstreamTransport } from '../../core/upstream/upstream.js';
import { readServiceAccount, type ServiceAccount } from './service-account.js';
import { TokenRefused } from './waiting-call.js';

/** Longest life Google grants an assertion. */
const ASSERTION_LIFE_S = 3_600;
/** A token is renewed this long before its end, while calls still use it. */
const RENEW_BEFORE_MS = 300_000;
/** A token with less left than this is not used: the call must arrive before its end. */
const MIN_LEFT_MS = 30_000;
const MAX_ACCOUNTS = 1_000;
const MAX_ANSWER_BYTES = 65_536;
const DEADLINES: Deadlines = { connectMs: 5_000, firstByteMs: 10_000, idleMs: 10_000, totalMs: 10_000 };

interface Grant {
  token: string;
  expiresAtMs: number;
}

interface Entry {
  grant: Grant | null;
  /** One request at a time, however many calls wait for it. */
  pending: Promise<Grant> | null;
}

/**
 * Tokens of Google service accounts: a signed assertion is exchanged at the account's own `token_uri`
 * (https://developers.google.com/identity/protocols/oauth2/service-account, read 2026-11-21). Kept in memory until shortly before their
 * end, renewed beforehand in the background, fetched once however many ask, with a deadline.
 */
export class GoogleTokens {
  readonly #entries = new Map<string, Entry>();

  constructor(
    private readonly transport: UpstreamTransport,
    private readonly nowMs: () => number,
  ) {}

  /** At once when one is held; otherwise a promise that may reject with TokenRefused. */
  tokenFor(serviceAccount: string, scope: string): string | Promise<string> {
    const entry = this.#entry(createHash('sha256').update(`${scope}\n${serviceAccount}`).digest('base64'));
    const leftMs = (entry.grant?.expiresAtMs ?? 0) - this.nowMs();
    if (entry.grant === null || leftMs < MIN_LEFT_MS) return this.#renew(entry, serviceAccount, scope).then(({ token }) => token);
    // What is held still serves: a renewal that fails is tried again by the next call.
    if (leftMs < RENEW_BEFORE_MS) this.#renew(entry, serviceAccount, scope).catch(() => undefined);
    return entry.grant.token;
  }

  #entry(key: string): Entry {
    const known = this.#entries.get(key);
    const entry = known ?? { grant: null, pending: null };
    // Last used last: the one that goes first was not used for longest.
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    if (this.#entries.size > MAX_ACCOUNTS) this.#entries.delete(this.#entries.keys().next().value as string);
    return entry;
  }

  #renew(entry: Entry, serviceAccount: string, scope: string): Promise<Grant> {
    entry.pending ??= this.#fetch(serviceAccount, scope)
      .then((grant) => (entry.grant = grant))
      .finally(() => (entry.pending = null));
    return entry.pending;
  }

  async #fetch(serviceAccount: string, scope: string): Promise<Grant> {
    const account = readServiceAccount(serviceAccount);
    if (account === null) throw new TokenRefused('The service account is not a Google key file.', 401);
    const nowMs = this.nowMs();
    const body = new URLSearchParams({ grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertionOf(account, scope, nowMs) });
    const { status, text } = await this.#post(account.tokenUri, body.toString());
    return grantOf(status, text, nowMs);
  }

  #post(url: string, body: string): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const chunks: Uint8Array[] = [];
      let bytes = 0;
      let status = 0;
      const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json', 'accept-encoding': 'identity' };
      const call = this.transport.dispatch(
        { method: 'POST', url, headers, body, deadlines: DEADLINES },
        {
          onHeaders: (head) => (status = head.status),
          onData: (chunk) => {
            bytes += chunk.length;
            if (bytes <= MAX_ANSWER_BYTES) chunks.push(Uint8Array.from(chunk));
            else call.abort();
          },
          onEnd: () => resolve({ status, text: Buffer.concat(chunks).toString('utf8') }),
          onFailure: (failure) => reject(new TokenRefused('The token server did not answer.', 500, failure)),
        },
      );
    });
  }
}

function assertionOf(account: ServiceAccount, scope: string, nowMs: number): string {
  const issuedS = Math.floor(nowMs / 1_000);
  const header = { alg: 'RS256', typ: 'JWT', ...(account.keyId !== undefined && { kid: account.keyId }) };
  const claims = { iss: account.email, sub: account.email, scope, aud: account.tokenUri, iat: issuedS, exp: issuedS + ASSERTION_LIFE_S };
  const signed = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  try {
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(account.privateKey, 'base64url')}`;
  } catch {
    // The error of node:crypto could show parts of the key.
    throw new TokenRefused('The private key of the service account cannot be read.', 401);
  }
}

function grantOf(status: number, text: string, nowMs: number): Grant {
  const answer = parsed(text);
  const token = answer['access_token'];
  const lifeS = answer['expires_in'];
  if (status === 200 && typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) {
    return { token, expiresAtMs: nowMs + (typeof lifeS === 'number' && lifeS > 0 ? lifeS : ASSERTION_LIFE_S) * 1_000 };
  }
  if (status === 200) throw new TokenRefused('The token server answered without a token.', 500);
  const words = [answer['error_description'], answer['error']].find((value) => typeof value === 'string') ?? 'no reason given';
  // `invalid_grant` and the like are 400 there; to the one who calls, the credential was refused.
  throw new TokenRefused(`The token server refused the service account: ${String(words)}`, status === 400 ? 401 : status);
}

function parsed(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
