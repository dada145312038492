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
  /** A bearer key, or AWS's signature over an access key (`upstream-auth/sigv4.ts`). */
  | { readonly kind: 'aws'; readonly service: string }
  /** A key in this header, or a service account's short-lived token (`upstream-auth/google-token.ts`). */
  | { readonly kind: 'google'; readonly name: string; readonly scope: string }
  /** The upstream lives in this process. */
  | { readonly kind: 'none' };

/** One member of a credential, where it is more than a key. */
export interface CredentialField {
  readonly name: string;
  /** Sealed, masked, and taken out of errors. What is none is part of an address. */
  readonly secret: boolean;
  /** `json`: a document, as Google's key files are. */
  readonly form: 'token' | 'name' | 'json';
  /** Variables it is taken from when the provider registers itself. */
  readonly env: readonly string[];
  readonly default?: string;
}

/** A provider that speaks a second protocol for some of its models. */
export interface ProtocolVariant {
  readonly protocol: ProtocolId;
  /** Upstream names that begin so. */
  readonly models: readonly string[];
  readonly request: readonly RequestWord[];
  readonly response: ResponseDialect;
}

/** Path of a call. `{model}` and the credential's public fields are put in, escaped; a part in brackets falls away when one of its fields is missing. */
export interface PathTemplate {
  readonly whole: string;
  readonly stream: string;
}

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
  /** Null: every instance must give its own. Public fields of the credential are put in (`{region}`; `{location-}`: nothing for `global`). */
  readonly baseUrl: string | null;
  /** The first of these variables that is set is the address of a provider that registers itself and has none of its own. */
  readonly baseUrlEnv?: readonly string[];
  /** Path of an address that was given without one; `versioned`: when it was given with an `api-version`. */
  readonly basePath?: { readonly plain: string; readonly versioned: string };
  /** Paths that are not the protocol's own. */
  readonly paths?: Readonly<Partial<Record<ProtocolId, PathTemplate>>>;
  readonly variants?: readonly ProtocolVariant[];
  readonly auth: AuthScheme;
  /** The first of these variables that is set registers the provider with its catalogue models. */
  readonly env: readonly string[];
  /** Members of a credential besides `key`. */
  readonly credentialFields?: readonly CredentialField[];
  /** Fields that suffice together, each list by itself; default: `key`. */
  readonly credentialSets?: readonly (readonly string[])[];
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
