import type { ResponseDialect } from '../../core/protocols/dialect.js';
import type { ProtocolId } from '../../core/protocols/protocol.js';
import type { RequestWord } from '../dialect/index.js';

/** Kinds of requests, by the names that catalogue rows and `GET /v1/models` use. */
export type EndpointKind = 'chat' | 'completions' | 'embeddings' | 'rerank' | 'images' | 'audio' | 'moderations';

/** How a credential's key reaches the provider. Exactly one place; the adapter adds no other authentication. */
export type AuthScheme =
  | { readonly kind: 'bearer' }
  | { readonly kind: 'header'; readonly name: string }
  | { readonly kind: 'query'; readonly name: string }
  /** The upstream lives in this process. */
  | { readonly kind: 'none' };

/** Where a provider's facts in response headers stand (lower-case names). */
export interface HeaderFacts {
  readonly requestId?: string;
  readonly remainingRequests?: string;
  readonly remainingTokens?: string;
}

/** One fact that a definition states, with where it was read and when. */
export interface Evidence {
  readonly fact: string;
  readonly source: string;
  readonly date: string;
}

/**
 * A provider as data: how bytes look is its protocol's business, where they go and as whom is said here, and `request` and
 * `response` say how it deviates. A new OpenAI-compatible provider is one such object.
 */
export interface ProviderDefinition {
  readonly id: string;
  readonly name: string;
  readonly protocol: ProtocolId;
  /** Null: every instance must give its own. */
  readonly baseUrl: string | null;
  readonly auth: AuthScheme;
  /** The first of these variables that is set registers the provider with its catalogue models. */
  readonly env: readonly string[];
  /** What it serves; default: `chat` alone. A model without a catalogue row takes it from here. */
  readonly endpoints?: readonly EndpointKind[];
  /** A key is not needed (own servers behind a firewall). */
  readonly anonymous?: boolean;
  /** Sent with every request, besides the protocol's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers of a client of the same protocol that pass on. */
  readonly forwardHeaders?: readonly string[];
  /** What its protocol is told of every model here; a catalogue row's own facts win. */
  readonly modelFacts?: Readonly<Record<string, unknown>>;
  readonly request: readonly RequestWord[];
  readonly response: ResponseDialect;
  readonly headerFacts: HeaderFacts;
  /** Closing the connection stops generation and billing; null: not known. */
  readonly cancelStopsBilling: boolean | null;
  readonly inProcess?: boolean;
  readonly docs: string;
  readonly evidence: readonly Evidence[];
}
