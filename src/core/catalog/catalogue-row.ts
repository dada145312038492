import type { Price } from '../pricing/price.js';
import type { Capabilities, ModelParameters } from './model.js';

/** `retired`: the provider no longer serves it. `deprecated`: it will not for long. */
export type Lifecycle = 'active' | 'beta' | 'deprecated' | 'retired';

/** How long a cached prefix lives. */
export interface CacheFacts {
  /** Of an entry that is not read again, in seconds. */
  lifetimeS: number;
  /** Shorter prefixes are not cached. */
  minTokens?: number;
  /** Only what the client marks (`cache_control`) is cached. */
  explicit: boolean;
  source: string;
  date: string;
}

/** What is known about one model at one provider: a row of `catalog/`, every one with its source and date. */
export interface CatalogueRow {
  /** Public name, `provider/model`. */
  id: string;
  /** The definition's id. */
  provider: string;
  /** The provider's own name of the model. */
  upstreamModel: string;
  name?: string;
  aliases: readonly string[];
  class?: string;
  /** Endpoint kinds (`chat`, `embeddings`, …). */
  endpoints: readonly string[];
  capabilities: Capabilities;
  /** What the provider takes; null when nobody knows. */
  price: Price | null;
  /** Why it has no price, when that is known: such a row is no gap. */
  unpriced?: string;
  /** Of the model, else of its provider. */
  cache?: CacheFacts;
  parameters: ModelParameters;
  modelFacts: Readonly<Record<string, unknown>>;
  status: Lifecycle;
  /** Seconds since 1970. */
  releasedS: number;
  retiredAtMs?: number;
  replacement?: string;
  source: string;
  /** When the figures were read, `YYYY-MM-DD`. */
  date: string;
}

/** Capability flags by the name that documents and catalogue use. */
export const CAPABILITY_FLAGS: Readonly<Record<string, keyof Capabilities>> = {
  streaming: 'streaming',
  tools: 'tools',
  parallel_tools: 'parallelTools',
  vision: 'vision',
  audio_input: 'audioInput',
  audio_output: 'audioOutput',
  image_output: 'imageOutput',
  files: 'files',
  json_schema: 'jsonSchema',
  json_object: 'jsonObject',
  reasoning: 'reasoning',
  logprobs: 'logprobs',
  choices: 'choices',
};

/** Capability sizes in tokens. */
export const CAPABILITY_SIZES: Readonly<Record<string, 'contextWindow' | 'maxOutput'>> = {
  context_window: 'contextWindow',
  max_output: 'maxOutput',
};
