import type { CacheFacts, CatalogueRow } from '../../core/catalog/catalogue-row.js';
import type { Capabilities, Credential, Deployment, DeploymentCache, Model, ProviderInstance, Snapshot } from '../../core/catalog/model.js';
import { planOf, priceAt, priceHoldsUntilMs, type Price, type PricePlan } from '../../core/pricing/index.js';
import type { Deadlines } from '../../core/upstream/upstream.js';
import type { Catalogue } from '../catalog/index.js';
import type { ProtocolId } from '../../core/protocols/protocol.js';
import { baseUrlOf } from '../address.js';
import { DEFINITIONS, getDefinition, type ProviderDefinition } from '../definitions/index.js';
import { repriced } from './reprice.js';
import { servedEndpoints } from './served-endpoints.js';
import type { ConfigurationDocument, ModelDocument, ProviderDocument, ServeDocument } from './document.js';

/** CONTRACT section 3: the defaults of `timeouts`; reasoning models think before they speak. */
const DEADLINES: Deadlines = { connectMs: 5_000, firstByteMs: 60_000, idleMs: 30_000, totalMs: 1_800_000, firstByteMinMs: 10_000, idleMinMs: 10_000 };
const REASONING_DEADLINES: Deadlines = { ...DEADLINES, firstByteMs: 300_000, idleMs: 120_000, firstByteMinMs: 60_000, idleMinMs: 30_000 };
const NO_CREDENTIAL: Credential = Object.freeze({ id: 'none', weight: 1, secrets: Object.freeze({}) });

export interface EffectiveConfiguration extends ConfigurationDocument {
  providers: readonly ProviderDocument[];
}

/** `atMs`: the moment whose prices are in force. */
export interface SnapshotIdentity {
  version: number;
  hash: string;
  atMs: number;
}

/** Everything the engine serves from, out of a checked configuration and the catalogue. Pure. */
export function buildSnapshot(configuration: EffectiveConfiguration, catalogue: Catalogue, { atMs, ...identity }: SnapshotIdentity): Snapshot {
  const providers = new Map(configuration.providers.map((provider) => [provider.id, providerInstance(provider)]));
  const models = new Map<string, Model>();
  for (const model of configuration.models ?? []) models.set(model.id, writtenModel(model, providers, catalogue));
  for (const row of implicitRows(catalogue, providers)) if (!models.has(row.id)) models.set(row.id, catalogueModel(row, providers));
  const snapshot = {
    ...identity,
    providers,
    models,
    aliases: aliasesOf(models),
    routes: configuration.routes ?? [],
    leases: configuration.ledger?.lease ?? true,
  };
  return Object.freeze(repriced(snapshot, atMs));
}

function providerInstance(written: ProviderDocument): ProviderInstance {
  const definition = getDefinition(written.type);
  const credentials = written.credentials.map(({ id, weight, secrets }) => ({ id, weight, secrets }));
  return {
    id: written.id,
    type: written.type,
    baseUrl: written.baseUrl ?? definition.baseUrl ?? '',
    zones: written.zones,
    credentials: credentials.length === 0 ? [NO_CREDENTIAL] : credentials,
    deadlines: { ...DEADLINES, ...written.timeouts },
    reasoningDeadlines: { ...REASONING_DEADLINES, ...written.timeouts },
    // What a sandbox model does on purpose says nothing about health.
    health: written.health && definition.inProcess !== true,
    drainOnAbort: written.drainOnAbort,
    billPartial: written.billPartial,
    settlement: written.settlement,
    ...(written.maxConcurrency !== undefined && { maxConcurrency: written.maxConcurrency }),
    responseDialect: definition.response,
    inProcess: definition.inProcess === true,
  };
}

/** Rows of every definition that has an instance, in the order of the registry: where aliases collide, the first one has it. */
function implicitRows(catalogue: Catalogue, providers: ReadonlyMap<string, ProviderInstance>): CatalogueRow[] {
  const types = new Set([...providers.values()].map((provider) => provider.type));
  return DEFINITIONS.filter((definition) => types.has(definition.id)).flatMap((definition) => catalogue.listByProvider(definition.id));
}

function catalogueModel(row: CatalogueRow, providers: ReadonlyMap<string, ProviderInstance>): Model {
  const instances = [...providers.values()].filter((provider) => provider.type === row.provider);
  const serve = { model: row.upstreamModel, weight: 1, priority: 0, protocol: null };
  const deployments = row.status === 'retired' ? [] : instances.flatMap((provider) => deploymentsOf({ ...serve, provider: provider.id }, provider, { row }));
  return {
    ...modelFacts(row, row.id),
    endpoints: row.endpoints,
    aliases: row.aliases,
    class: row.class,
    capabilities: row.capabilities,
    price: row.price,
    deployments,
    ...retirement(row),
  };
}

function writtenModel(written: ModelDocument, providers: ReadonlyMap<string, ProviderInstance>, catalogue: Catalogue): Model {
  const rows = written.serve.map((serve) => catalogue.findByUpstream(providers.get(serve.provider)?.type ?? '', serve.model));
  const own = catalogue.findById(written.id);
  const known = own ?? rows[0] ?? null;
  const deployments = written.serve.flatMap((serve, index) => {
    const provider = providers.get(serve.provider);
    return provider === undefined ? [] : deploymentsOf(serve, provider, { row: rows[index] ?? null, written });
  });
  return {
    ...modelFacts(known, written.id),
    endpoints: servedEndpoints(written, known, deployments),
    ...namesOf(written, own),
    ...shownOf(written, deployments),
    deployments,
  };
}

function namesOf(written: ModelDocument, own: CatalogueRow | null): Partial<Model> & Pick<Model, 'aliases'> {
  return {
    ...(written.name !== null && { name: written.name }),
    aliases: written.aliases ?? own?.aliases ?? [],
    class: written.class ?? own?.class,
  };
}

/** `/v1/models` shows one price and one set of capabilities: those of the deployment written first. */
function shownOf(written: ModelDocument, [first]: readonly Deployment[]): Pick<Model, 'capabilities' | 'price'> {
  return { capabilities: first?.capabilities ?? written.capabilities, price: first?.price ?? null };
}

function modelFacts(row: CatalogueRow | null, id: string): Pick<Model, 'id' | 'name' | 'ownedBy' | 'createdS'> {
  const slash = id.indexOf('/');
  return {
    id,
    name: row?.name,
    ownedBy: slash > 0 ? id.slice(0, slash) : (row?.provider ?? 'opengateway'),
    createdS: row?.releasedS ?? 0,
  };
}

function retirement(row: CatalogueRow): Pick<Model, 'retiredAtMs' | 'replacement'> {
  return { ...(row.retiredAtMs !== undefined && { retiredAtMs: row.retiredAtMs }), ...(row.replacement !== undefined && { replacement: row.replacement }) };
}

interface Known {
  row: CatalogueRow | null;
  written?: ModelDocument;
}

function deploymentsOf(serve: ServeDocument, provider: ProviderInstance, { row, written }: Known): Deployment[] {
  const definition = getDefinition(provider.type);
  const prices = pricesOf(row, written);
  const capabilities: Capabilities = { ...row?.capabilities, ...written?.capabilities };
  return provider.credentials.map((credential) => ({
    id: `${provider.id}/${serve.model}#${credential.id}`,
    provider: addressed(provider, definition, { credential, upstreamModel: serve.model }),
    upstreamModel: serve.model,
    credential,
    protocol: serve.protocol ?? protocolOf(definition, serve.model),
    weight: serve.weight,
    priority: serve.priority,
    capabilities,
    parameters: row?.parameters ?? {},
    modelFacts: { ...definition.modelFacts, ...row?.modelFacts },
    ...prices,
    ...(row?.cache !== undefined && { cache: cacheOf(row.cache) }),
  }));
}

function cacheOf({ lifetimeS, minTokens }: CacheFacts): DeploymentCache {
  return { lifetimeMs: lifetimeS * 1_000, ...(minTokens !== undefined && { minTokens }) };
}

/** Prices that never change are settled here; those that do are filled in by `repriced`. */
function pricesOf(row: CatalogueRow | null, written: ModelDocument | undefined): Pick<Deployment, 'price' | 'cost' | 'timed'> {
  const price = written?.price ?? (row?.price == null ? null : planOf(row.price));
  const cost = written?.cost ?? price;
  if (isTimed(price) || isTimed(cost)) return { price: null, cost: null, timed: { price, cost } };
  return { price: firstOf(price), cost: firstOf(cost) };
}

function isTimed(plan: PricePlan | null): boolean {
  return plan !== null && (firstOf(plan) === null || priceHoldsUntilMs(plan, Number.NEGATIVE_INFINITY) !== Number.POSITIVE_INFINITY);
}

function firstOf(plan: PricePlan | null): Price | null {
  return plan === null ? null : priceAt(plan, Number.NEGATIVE_INFINITY);
}

/** The provider as this deployment sees it: most have one address for all. */
function addressed(
  provider: ProviderInstance,
  definition: ProviderDefinition,
  deployment: { credential: Credential; upstreamModel: string },
): ProviderInstance {
  const baseUrl = baseUrlOf(provider.baseUrl, definition, deployment);
  return baseUrl === provider.baseUrl ? provider : { ...provider, baseUrl };
}

function protocolOf({ protocol, variants = [] }: ProviderDefinition, model: string): ProtocolId {
  return variants.find((variant) => variant.models.some((prefix) => model.startsWith(prefix)))?.protocol ?? protocol;
}

/** A model's own id is never another one's alias; of two models that claim an alias the first has it (written ones come first). */
function aliasesOf(models: ReadonlyMap<string, Model>): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  for (const model of models.values()) {
    for (const alias of model.aliases) if (!models.has(alias) && !aliases.has(alias)) aliases.set(alias, model.id);
  }
  return aliases;
}
