import type { ProtocolId } from '../protocols/protocol.js';
import type { ResponseDialect } from '../protocols/dialect.js';
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

export interface RouteFallback {
  model: string;
  class: 'same-model' | 'equivalent' | 'degraded';
}

export type RouteStrategy = { kind: 'balanced' | 'latency' | 'cost' | 'throughput' } | { kind: 'weighted'; arms: Readonly<Record<string, number>> };

export interface Route {
  name: string;
  match: { model: string; organization: string; tag: string; zone: string };
  strategy: RouteStrategy;
  fallbacks: readonly RouteFallback[];
  maxAttempts: number;
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
