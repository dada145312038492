import { hash } from 'node:crypto';
import { GatewayError } from '../../core/errors/gateway-error.js';
import type { Caller } from '../../core/policy/index.js';
import type { Clock } from '../../platform/clock/index.js';
import type { Secrets } from '../../platform/secrets/index.js';
import { BoundedMap } from './bounded-map.js';
import { ConnectionKeys } from './connection-keys.js';
import { AuthenticationError, readCredential, requireWellFormed, unknownKey, type AuthFailure, type CredentialHeaders } from './credential.js';
import { DigestLookups } from './digest-lookups.js';
import { KeyIndex, type LayerFault, type SecretEntry } from './key-index.js';
import type { KeyLoader, Reading } from './key-loader.js';
import { keyRecord, organizationRecord, projectRecord } from './records.js';

export const KEY_DIGEST_PURPOSE = 'virtual-key';

/** How the directory tells others what it saw: metrics and log. */
export interface DirectoryEvents {
  failed(reason: AuthFailure): void;
  unreadable(fault: LayerFault): void;
}

const MAX_SECRETS = 200_000;
const MAX_REMEMBERED = 50_000;
const MAX_UNKNOWN = 10_000;
/** Shorter than the poll: a key made by another engine is in force here within 5 s although it was tried too early. */
const UNKNOWN_TTL_MS = 2_000;
const POLICY_RETRY_MS = 5_000;

/**
 * Who presents a key: decided in memory, on headers alone. Keys, projects and organizations are read at boot and reread on
 * every change; a digest that is not known is asked of the database once. A database that cannot be asked is 503, never 401,
 * and keys already known go on working.
 */
export class KeyDirectory {
  readonly #index = new KeyIndex(MAX_SECRETS);
  /** SHA-256 of the whole presented key → entry: saves the keyed digest (3 µs) for keys seen before, and holds no key. */
  readonly #remembered = new BoundedMap<string, SecretEntry>(MAX_REMEMBERED);
  readonly #connections = new ConnectionKeys();
  readonly #unknown = new BoundedMap<string, number>(MAX_UNKNOWN);
  readonly #lookups = new DigestLookups((digests) => this.#lookUp(digests));
  #cursor: string | null = null;
  #running: Promise<void> | null = null;
  #next: Promise<void> | null = null;

  constructor(
    private readonly loader: KeyLoader,
    private readonly secrets: Secrets,
    private readonly clock: Clock,
    private readonly events: DirectoryEvents,
  ) {}

  get secretCount(): number {
    return this.#index.secretCount;
  }

  /**
   * The caller of these headers; a promise only when the key must be looked up. Throws (or rejects with) GatewayError 401
   * with a distinct code, 503 `policy_invalid`, `service_unavailable` or `overloaded`.
   */
  authenticate(request: CredentialHeaders): Caller | Promise<Caller> {
    try {
      const key = readCredential(request);
      const known = this.#recall(key, request.socket);
      return known === null ? this.#askFor(key) : this.#judge(known);
    } catch (error) {
      throw this.#noted(error);
    }
  }

  /** The caller when memory knows the key, null when it must be looked up (`authenticate`). Throws as `authenticate` does. */
  find(request: CredentialHeaders): Caller | null {
    try {
      const entry = this.#recall(readCredential(request), request.socket);
      return entry === null ? null : this.#judge(entry);
    } catch (error) {
      throw this.#noted(error);
    }
  }

  /** The caller that a key's id stands for, for an operator's questions. Throws GatewayError 404 for an unknown key, 503 `policy_invalid`. */
  callerOf(keyId: string): Caller {
    const entry = this.#index.findByKeyId(keyId);
    const composed = entry === null ? null : this.#index.compose(entry);
    if (composed === null || 'missing' in composed) throw new GatewayError('not_found', `There is no key ${keyId.slice(0, 64)}.`, { param: 'key_id' });
    if ('fault' in composed) throw this.#unreadable(composed.fault);
    return composed.caller;
  }

  /** Resolves when everything committed before the call is in force here. Rejects when the database cannot be asked. */
  refresh(): Promise<void> {
    if (this.#running === null) return this.#start(() => this.#readChanges());
    // A reading under way may have looked before the caller's commit: wait for one that begins now.
    this.#next ??= this.#running.catch(() => undefined).then(() => {
      this.#next = null;
      return this.#start(() => this.#readChanges());
    });
    return this.#next;
  }

  /** Everything again: at boot, and when rows may have been deleted. */
  async reload(): Promise<void> {
    await this.#running?.catch(() => undefined);
    await this.#start(() => this.#readAll());
  }

  #recall(key: string, connection: object | undefined): SecretEntry | null {
    const last = this.#connections.find(connection, key);
    if (last !== null && last.key !== null) return last;
    const entry = this.#find(key);
    if (entry !== null) this.#connections.remember(connection, key, entry);
    return entry;
  }

  #find(key: string): SecretEntry | null {
    const fingerprint = hash('sha256', key, 'base64');
    const remembered = this.#remembered.get(fingerprint);
    if (remembered !== undefined && remembered.key !== null) return remembered;
    requireWellFormed(key);
    const entry = this.#index.find(this.secrets.digest(KEY_DIGEST_PURPOSE, key));
    if (entry !== null) this.#remembered.set(fingerprint, entry);
    else if (remembered !== undefined) this.#remembered.delete(fingerprint);
    return entry;
  }

  async #askFor(key: string): Promise<Caller> {
    const digest = this.secrets.digest(KEY_DIGEST_PURPOSE, key);
    try {
      const unknownUntilMs = this.#unknown.get(digest);
      if (unknownUntilMs !== undefined && this.clock.monotonicMs() < unknownUntilMs) throw unknownKey();
      await this.#lookups.resolve(digest);
      const entry = this.#index.find(digest);
      if (entry === null) {
        this.#unknown.set(digest, this.clock.monotonicMs() + UNKNOWN_TTL_MS);
        throw unknownKey();
      }
      return this.#judge(entry);
    } catch (error) {
      throw this.#noted(error);
    }
  }

  #judge(entry: SecretEntry): Caller {
    const nowMs = this.clock.nowMs();
    const { key } = entry;
    if (key !== null && key.revokedAtMs !== null) {
      throw new AuthenticationError('revoked', 'revoked_api_key', 'This API key was revoked.');
    }
    if (entry.endsAtMs !== null && entry.endsAtMs <= nowMs) {
      throw new AuthenticationError('revoked', 'revoked_api_key', 'This API key was replaced by a rotation; its overlap is over.');
    }
    if (key !== null && key.expiresAtMs !== null && key.expiresAtMs <= nowMs) {
      throw new AuthenticationError('expired', 'expired_api_key', `This API key expired at ${new Date(key.expiresAtMs).toISOString()}.`);
    }
    const composed = this.#index.compose(entry);
    if ('caller' in composed) return composed.caller;
    if ('fault' in composed) throw this.#unreadable(composed.fault);
    throw new GatewayError('service_unavailable', 'The key cannot be looked up at the moment. Try again shortly.', { retryAfterMs: 2_000 });
  }

  #unreadable(fault: LayerFault): GatewayError {
    this.events.unreadable(fault);
    const message = `The stored policy of ${fault.layer} ${fault.id} cannot be read, so this key is closed until it is corrected.`;
    return new GatewayError('policy_invalid', message, { retryAfterMs: POLICY_RETRY_MS });
  }

  #noted(error: unknown): unknown {
    if (error instanceof AuthenticationError) this.events.failed(error.reason);
    return error;
  }

  async #lookUp(digests: readonly string[]): Promise<void> {
    this.#apply(await this.loader.byDigests(digests));
  }

  #start(work: () => Promise<void>): Promise<void> {
    const running = work().finally(() => {
      if (this.#running === running) this.#running = null;
    });
    this.#running = running;
    return running;
  }

  async #readChanges(): Promise<void> {
    if (this.#cursor === null) return this.#readAll();
    const reading = await this.loader.changedSince(this.#cursor);
    this.#apply(reading);
    this.#cursor = reading.cursor;
  }

  async #readAll(): Promise<void> {
    const reading = await this.loader.all(MAX_SECRETS);
    this.#apply(reading);
    this.#index.retain({
      organizations: new Set(reading.organizations.map((row) => row.id)),
      projects: new Set(reading.projects.map((row) => row.id)),
      digests: new Set(reading.keys.flatMap((row) => row.secrets.map(({ digest }) => digest))),
    });
    this.#cursor = reading.cursor;
  }

  #apply(reading: Reading): void {
    for (const row of reading.organizations) this.#index.putOrganization(organizationRecord(row));
    for (const row of reading.projects) this.#index.putProject(projectRecord(row));
    for (const row of reading.keys) {
      this.#index.putKey(keyRecord(row), row.secrets);
      for (const { digest } of row.secrets) this.#unknown.delete(digest);
    }
  }
}
