import type { Capabilities, Route } from '../../core/catalog/model.js';
import type { SettlementPolicy } from '../../core/ledger/settlement.js';
import type { PricePlan } from '../../core/pricing/index.js';
import type { Deadlines } from '../../core/upstream/upstream.js';
import type { ProtocolId } from '../../core/protocols/protocol.js';

/** CONTRACT section 3, parsed: defaults filled in, secrets open. Lives in memory only. */
export interface CredentialDocument {
  id: string;
  weight: number;
  /** By field name. Empty: the server wants none. */
  secrets: Readonly<Record<string, string>>;
}

export interface ProviderDocument {
  id: string;
  type: string;
  /** Normalised; null = the definition's. */
  baseUrl: string | null;
  zones: readonly string[];
  credentials: readonly CredentialDocument[];
  /** What was written; the defaults differ for models that reason. */
  timeouts: Partial<Deadlines>;
  health: boolean;
  drainOnAbort: boolean;
  billPartial: boolean;
  settlement: SettlementPolicy;
  /** Undefined: the default of the gateway. */
  maxConcurrency?: number | undefined;
}

export interface ServeDocument {
  provider: string;
  model: string;
  weight: number;
  priority: number;
  protocol: ProtocolId | null;
}

export interface ModelDocument {
  id: string;
  name: string | null;
  /** Null = the catalogue's. */
  aliases: readonly string[] | null;
  serve: readonly ServeDocument[];
  /** Null = the catalogue's. */
  price: PricePlan | null;
  cost: PricePlan | null;
  capabilities: Capabilities;
  class: string | null;
  /** Kinds of calls (`chat`, `embeddings`, …); undefined = the catalogue's. */
  endpoints?: readonly string[] | undefined;
}

export interface LedgerDocument {
  lease: boolean;
}

/** A section that is undefined was not named: it stays as it is. */
export interface ConfigurationDocument {
  providers?: readonly ProviderDocument[];
  models?: readonly ModelDocument[];
  ledger?: LedgerDocument;
  routes?: readonly Route[];
}

export const SECTIONS = ['providers', 'models', 'ledger', 'routes'] as const;
export type Section = (typeof SECTIONS)[number];

/** The document as JSON, section by section: what is stored (secrets sealed) and merged. */
export type RawDocument = { version: 1 } & Partial<Record<Section, unknown>>;

/** Stands for a secret in everything that is shown; written back, it means "unchanged". */
export const MASK = '***';
