import type { ProtocolId } from '../protocols/protocol.js';
import type { ResponseDialect } from '../protocols/dialect.js';
import type { Limits, Schedule } from '../policy/caller.js';
import type { PricePlan } from '../pricing/price-plan.js';
import type { Price } from '../pricing/price.js';
import type { SettlementPolicy } from '../ledger/settlement.js';
import type { Deadlines } from '../upstream/upstream.js';

/** What a model can do. Undefined means unknown, which is treated as able (availability first); false excludes. */
export interface Capabilities {
  streaming?: boolean;
  tools?: boolean;
  parallelTools?: boolean;
  vision?: boolean;
  audioInput?: boolean;
  audioOutput?: boolean;
  imageOutput?: boolean;
  files?: boolean;
  jsonSchema?: boolean;
  jsonObject?: boolean;
  reasoning?: boolean;
  logprobs?: boolean;
  /** More than one choice (`n`). */
  choices?: boolean;
  /** Tokens. */
  contextWindow?: number;
  maxOutput?: number;
}

/** Wire parameter → what is done with it for this model: `omit`, or a clamp. Applied after the definition's dialect. */
export type ModelParameters = Readonly<Record<string, 'omit' | { min?: number; max?: number }>>;

export interface Credential {
  id: string;
  /** Share of traffic among the credentials of one provider instance. */
  weight: number;
  /** Opened secret material by field (`key`, `access_key_id`, …). Lives in memory only; never serialised. */
  secrets: Readonly<Record<string, string>>;
}

/** One configured provider: a definition plus where it is and as whom we call it. */
export interface ProviderInstance {
  /** The instance's name in the configuration (`claude-kr`). */
  id: string;
  /** The definition's id (`anthropic`). */
  type: string;
  baseUrl: string;
  /** Where it processes what it is sent; empty = anywhere. */
  zones: readonly string[];
  credentials: readonly Credential[];
  deadlines: Deadlines;
  /** Deadlines when the model reasons. */
  reasoningDeadlines: Deadlines;
  /** False: no circuit, no credential state. */
  health: boolean;
  drainOnAbort: boolean;
  billPartial: boolean;
  settlement: SettlementPolicy;
  /** Calls that may be open at once per process; undefined: half of what a process serves. */
  maxConcurrency?: number;
  responseDialect: ResponseDialect;
  /** In-process transport (sandbox): what it answers never touches health. */
  inProcess: boolean;
}

/** What an attempt is made against: provider + upstream model + credential + zone. */
export interface Deployment {
  /** Stable and unique: `<provider>/<upstream model>#<credential>`. */
  id: string;
  provider: ProviderInstance;
  upstreamModel: string;
  credential: Credential;
  protocol: ProtocolId;
  weight: number;
  /** Lower is tried first. */
  priority: number;
  capabilities: Capabilities;
  parameters: ModelParameters;
  modelFacts: Readonly<Record<string, unknown>>;
  /** What the customer pays; null = unpriced, which is refused. */
  price: Price | null;
  /** What the provider takes; default: the price. */
  cost: Price | null;
  /** Where prices change with time: what `price` and `cost` are at any moment. */
  timed?: { readonly price: PricePlan | null; readonly cost: PricePlan | null };
  /** Its prompt cache, where the catalogue knows it. */
  cache?: DeploymentCache;
}

/** Models that reason think before they speak. */
export function deadlinesOf({ provider, capabilities }: Pick<Deployment, 'provider' | 'capabilities'>): Deadlines {
  return capabilities.reasoning === true ? provider.reasoningDeadlines : provider.deadlines;
}

export interface DeploymentCache {
  /** Of an entry that is not read again. */
  lifetimeMs: number;
  /** Shorter prefixes are not cached. */
  minTokens?: number;
}

export interface Model {
  /** Public name (`anthropic/claude-sonnet-4.5`). */
  id: string;
  name?: string;
  aliases: readonly string[];
  class?: string;
  ownedBy: string;
  createdS: number;
  capabilities: Capabilities;
  price: Price | null;
  deployments: readonly Deployment[];
  retiredAtMs?: number;
  replacement?: string;
  /** Endpoint kinds it serves (`chat`, `embeddings`, …). */
  endpoints: readonly string[];
}

/** How far a substitute is from what was asked for: the same weights elsewhere, what the operator calls equal, or less. */
export type SubstitutionClass = 'same-model' | 'equivalent' | 'degraded';

export interface RouteFallback {
  model: string;
  class: SubstitutionClass;
}

/** One side of an experiment. */
export interface RouteArm {
  /** Its share, relative to the other arms' weights. */
  weight: number;
  /** What it stands for: a provider instance, a model (another one than was asked for, too), an upstream model or a deployment. */
  to: string;
}

export type RouteStrategy = { kind: 'balanced' | 'latency' | 'cost' | 'throughput' } | { kind: 'weighted'; arms: Readonly<Record<string, RouteArm>> };

/** What must be true of a request for a route to rule it. Patterns are globs, `*` matches anything. */
export interface RouteMatch {
  model: string;
  organization: string;
  tag: string;
  zone: string;
  /** Size of the prompt by estimate, in tokens, both ends included. */
  promptTokens?: { min?: number; max?: number };
  /** Days and hours, read in UTC unless it names a timezone. */
  time?: Schedule;
}

/** A failure that another deployment may answer only where the operator says so. */
export type FallbackReason = 'context_length' | 'content_filter' | 'timeout';

/** A part of the traffic is sent a second time, to somebody whose answer nobody sees. */
export interface RouteShadow {
  /** A model, or `provider/model`. */
  to: string;
  /** Share of the route's requests, 0–1. */
  share: number;
  /** What all copies of a day (UTC) may cost at the provider. */
  budgetNanoUsd: bigint;
  /** Copies at the same time in one process; more are left out. */
  concurrency: number;
}

/** When a second deployment is asked beside the first, for answers that are no stream; the first to answer wins. */
export interface RouteHedge {
  /** The 95th percentile of the first one's answers of late, or milliseconds. */
  after: 'p95' | number;
}

export interface Route {
  name: string;
  match: RouteMatch;
  strategy: RouteStrategy;
  fallbacks: readonly RouteFallback[];
  maxAttempts: number;
  fallbackOn: readonly FallbackReason[];
  /** Names of `metadata` members (or `user`) by which sessions are kept together when the client names no other; null: no stickiness at all. */
  affinity: readonly string[] | null;
  /** Of all requests that the route rules, whoever sends them. */
  limits: Pick<Limits, 'rpm' | 'concurrency'>;
  shadow?: RouteShadow;
  hedge?: RouteHedge;
}

/** Everything the engine serves from: immutable, replaced as a whole when the configuration changes. */
export interface Snapshot {
  version: number;
  /** Digest of the effective document. */
  hash: string;
  providers: ReadonlyMap<string, ProviderInstance>;
  models: ReadonlyMap<string, Model>;
  /** Alias → public model id. */
  aliases: ReadonlyMap<string, string>;
  routes: readonly Route[];
  /** `ledger.lease: off` commits each hold on its own. */
  leases: boolean;
}

/** Port to the snapshot in force. */
export abstract class SnapshotSource {
  abstract current(): Snapshot;
}
