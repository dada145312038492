import type { Snapshot } from '../../core/catalog/model.js';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { Database, type Queryable } from '../../platform/database/index.js';
import { Secrets } from '../../platform/secrets/index.js';
import { Catalogue } from '../catalog/index.js';
import { buildSnapshot, type EffectiveConfiguration } from './build-snapshot.js';
import { checkRoutes, checkProviders } from './check-references.js';
import { ConfigurationRepository, type RouteVersion, type StoredVersion } from './configuration.repository.js';
import { diffConfigurations, type Change } from './diff.js';
import type { ConfigurationDocument } from './document.js';
import { effectiveProviders } from './effective-providers.js';
import { parseConfiguration } from './parse-document.js';
import type { KeepSecret } from './parse-credentials.js';
import { jsonDocument, readDocument, withPlace, type ReadDocument } from './read-text.js';
import { renderConfiguration, renderRoute } from './render-document.js';
import { hashOf, openSecrets, secretForms } from './sealed-secrets.js';
import { SnapshotStore } from './snapshot-store.js';
import { substitute } from './substitute.js';

export interface ApplyOptions {
  dryRun?: boolean;
  /** Who applied it: `api`, `file`. */
  source?: string;
  /** Runs in the same transaction (the audit row); not on a dry run. */
  within?(transaction: Queryable, result: ApplyResult): Promise<void>;
}

/** As the operator's API answers it. */
export interface ApplyResult {
  changes: Change[];
  /** Of the stored document in force afterwards; 0 while nothing was ever applied. */
  version: number;
  dry_run: boolean;
}

/** How many stored versions are tried at a start when the newest cannot be used. */
const LAST_KNOWN_GOOD_TRIES = 20;

type Environment = Readonly<Record<string, string | undefined>>;

export interface ConfigurationParts {
  database: Database;
  secrets: Secrets;
  catalogue: Catalogue;
  store: SnapshotStore;
  environment: Environment;
  /** Told of every version that came into force or could not. */
  observer: ConfigurationObserver;
}

export interface ConfigurationObserver {
  inForce(snapshot: Snapshot, source: string): void;
  failed(source: string, error: Error): void;
}

/** The configuration document: checked, stored sealed, in force. An injectable class. */
export class ConfigurationService {
  readonly #repository: ConfigurationRepository;
  /** The applied document behind the snapshot in force. */
  #document: ConfigurationDocument = {};

  constructor(private readonly parts: ConfigurationParts) {
    this.#repository = new ConfigurationRepository(parts.database);
  }

  /**
   * Puts a document (YAML or JSON text) in force, here before it resolves. Sections it does not name stay. Applying the same
   * again changes nothing. Throws GatewayError 400 `invalid_request` with `param` as path, and line and column in its words.
   */
  async apply(text: string, options: ApplyOptions = {}): Promise<ApplyResult> {
    const read = readDocument(text);
    let built: Snapshot | null = null;
    let document: ConfigurationDocument = {};
    const result = await this.parts.database.transaction(async (transaction) => {
      const written = await this.#write(transaction, read, options);
      if (options.dryRun === true) return written.result;
      await options.within?.(transaction, written.result);
      document = written.next;
      built = this.#build(document, written.result.version);
      return written.result;
    });
    if (built !== null) this.#swap(document, built, options.source ?? 'api');
    return result;
  }

  /**
   * Stores these routes (JSON as the document writes them) in place of the present ones, on the caller's transaction. They are
   * in force here when the caller has committed and `follow` has resolved. Throws like `apply`.
   */
  async replaceRoutes(routes: unknown, transaction: Queryable, source: string): Promise<ApplyResult> {
    return (await this.#write(transaction, jsonDocument({ version: 1, routes }), { source })).result;
  }

  /** The routes in force, as the document writes them, and the version they are of. */
  routes(): { version: number; routes: readonly Record<string, unknown>[] } {
    const { version, routes } = this.parts.store.current();
    return { version, routes: routes.map(renderRoute) };
  }

  /** The newest stored routes, which no other engine changes before the caller's transaction ends: this one may not have them in force yet. */
  async lockRoutes(transaction: Queryable): Promise<{ version: number; routes: readonly Record<string, unknown>[] }> {
    await this.#repository.lock(transaction);
    const newest = await this.#repository.findNewest(transaction);
    return newest === null ? { version: 0, routes: [] } : { version: newest.id, routes: (this.#parseStored(newest).routes ?? []).map(renderRoute) };
  }

  listRouteVersions(limit: number, before: number | null): Promise<RouteVersion[]> {
    return this.#repository.listRouteVersions(limit, before);
  }

  /** The routes of an earlier version. Throws 404 `not_found`. */
  async routesOf(id: number): Promise<readonly Record<string, unknown>[]> {
    const version = await this.#repository.find(id);
    if (version === null) throw new GatewayError('not_found', `There is no configuration version ${id}, or it is too old to be kept.`, { param: 'version' });
    return (this.#parseStored(version).routes ?? []).map(renderRoute);
  }

  /** The routes before the last change of them. Throws 404 `not_found` when they never changed. */
  async previousRoutes(): Promise<readonly Record<string, unknown>[]> {
    const [last] = await this.#repository.listRouteVersions(1, null);
    if (last === undefined) throw new GatewayError('not_found', 'The routes were never changed.', { param: 'version' });
    const before = await this.#repository.findBefore(last.id);
    return before === null ? [] : (this.#parseStored(before).routes ?? []).map(renderRoute);
  }

  async #write(transaction: Queryable, read: ReadDocument, options: ApplyOptions): Promise<{ result: ApplyResult; next: ConfigurationDocument }> {
    await this.#repository.lock(transaction);
    const newest = await this.#repository.findNewest(transaction);
    const previous = newest === null ? {} : this.#parseStored(newest);
    const next = this.#next(read, previous);
    const changes = diffConfigurations(previous, next, secretForms(this.parts.secrets).digested);
    const result: ApplyResult = { changes, version: newest?.id ?? 0, dry_run: options.dryRun === true };
    if (options.dryRun !== true && changes.length > 0) {
      result.version = await this.#store(transaction, next, { source: options.source ?? 'api', changes });
    }
    return { result, next };
  }

  /** What applying would change; stores nothing. */
  diff(text: string): Promise<ApplyResult> {
    return this.apply(text, { dryRun: true });
  }

  /** The effective document: sandbox, providers of the environment, and what was applied. Secrets are masked; it can be applied as it is. */
  get(): Record<string, unknown> {
    const effective = this.#effective(this.#document);
    const ledger = { lease: effective.ledger?.lease ?? true };
    return renderConfiguration({ models: [], routes: [], ...effective, ledger }, secretForms(this.parts.secrets).masked);
  }

  /** Loads the newest stored version. On failure the one in force stays, and the error is thrown. */
  async reload(): Promise<void> {
    const newest = await this.#repository.findNewest();
    if (newest === null) return this.#use({ id: 0, document: { version: 1 }, source: 'built-in' });
    this.#use(newest);
  }

  /** At a start: the newest stored version that can be used. Throws when there are versions and none can. */
  async start(): Promise<void> {
    const versions = await this.#repository.listNewest(LAST_KNOWN_GOOD_TRIES);
    let firstError: Error | null = null;
    for (const version of versions) {
      try {
        return this.#use(version);
      } catch (error) {
        firstError ??= error as Error;
        this.parts.observer.failed(version.source, error as Error);
      }
    }
    if (firstError !== null) throw firstError;
    this.#use({ id: 0, document: { version: 1 }, source: 'built-in' });
  }

  /** Loads the newest version when it is not the one in force. */
  async follow(): Promise<void> {
    const { id, databaseMs } = await this.#repository.newest();
    this.parts.store.alignClock(databaseMs);
    if (id === this.parts.store.current().version) return;
    await this.reload();
  }

  #use(version: StoredVersion): void {
    const document = this.#parseStored(version);
    this.#swap(document, this.#build(document, version.id), version.source);
  }

  #swap(document: ConfigurationDocument, snapshot: Snapshot, source: string): void {
    const current = this.parts.store.current();
    // Two appliers may get here in another order than they committed in.
    if (snapshot.version < current.version) return;
    this.#document = document;
    if (snapshot.version !== current.version || snapshot.hash !== current.hash) this.parts.store.swap(snapshot);
    this.parts.observer.inForce(snapshot, source);
  }

  #next(read: ReadDocument, previous: ConfigurationDocument): ConfigurationDocument {
    try {
      const value = substitute(read.value, { environment: this.parts.environment });
      const next = { ...previous, ...parseConfiguration(value, this.#keep(previous)) };
      checkProviders(this.#effective(next));
      checkRoutes(this.#build(next, 0));
      return next;
    } catch (error) {
      throw withPlace(error, read);
    }
  }

  /** A masked secret stays what it was, for the same type at the same address only (attack A06). */
  #keep(previous: ConfigurationDocument): KeepSecret {
    const providers = effectiveProviders(previous.providers ?? [], this.parts.environment);
    return ({ id, type, baseUrl }, credentialId) => {
      const provider = providers.find((known) => known.id === id && known.type === type && known.baseUrl === baseUrl);
      return provider?.credentials.find((credential) => credential.id === credentialId)?.secrets;
    };
  }

  async #store(transaction: Queryable, next: ConfigurationDocument, about: { source: string; changes: readonly Change[] }): Promise<number> {
    const forms = secretForms(this.parts.secrets);
    const hash = hashOf(renderConfiguration(next, forms.digested));
    return this.#repository.insert(transaction, { document: renderConfiguration(next, forms.sealed), hash, ...about });
  }

  #parseStored({ document }: StoredVersion): ConfigurationDocument {
    return parseConfiguration(openSecrets(document, this.parts.secrets));
  }

  #effective(document: ConfigurationDocument): EffectiveConfiguration {
    return { ...document, providers: effectiveProviders(document.providers ?? [], this.parts.environment) };
  }

  /** Lenient with what was valid once: a model whose provider is gone (a variable no longer set) has no deployments, others are served. */
  #build(document: ConfigurationDocument, version: number): Snapshot {
    const effective = this.#effective(document);
    const hash = hashOf(renderConfiguration(effective, secretForms(this.parts.secrets).digested));
    return buildSnapshot(effective, this.parts.catalogue, { version, hash, atMs: this.parts.store.nowMs });
  }
}
