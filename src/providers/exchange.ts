import type { Deployment } from '../core/catalog/model.js';
import type { StreamItem } from '../core/chat/event.js';
import type { ParameterAdjustment } from '../core/chat/parameter-report.js';
import type { ChatRequest } from '../core/chat/request.js';
import type { ChatResponse } from '../core/chat/response.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { ScannedBody } from '../core/json/index.js';
import type { Operation, OperationRequest, OperationResult, OperationWire } from '../core/operations/index.js';
import type { ClientProtocolId } from '../core/protocols/protocol.js';
import type { UpstreamHead, UpstreamRequest } from '../core/upstream/upstream.js';

/** One request for one deployment: everything an attempt sends. */
export interface UpstreamExchange {
  deployment: Deployment;
  request: ChatRequest;
  /** What the client speaks; with `body`, the native lane is taken when the deployment speaks the same. */
  clientProtocol: ClientProtocolId;
  body?: ScannedBody;
  /** The client's headers by lower-case name; only those the definition lists go on, and to the same protocol alone. */
  passThrough?: Readonly<Record<string, string>>;
  /** Gateways like this one that the request has passed already; `Via` carries the count on, so that a loop ends. */
  hopCount?: number;
}

/** A rendered request that was not sent yet. Holds no secret: authentication is added when it is sent. */
export interface PreparedCall {
  readonly exchange: UpstreamExchange;
  /** Everything that was done to the client's parameters. */
  readonly report: readonly ParameterAdjustment[];
  readonly request: UpstreamRequest;
  /** The client's own bytes with members replaced, as opposed to a body rendered anew. */
  readonly native: boolean;
}

/**
 * Receives one answer, synchronously from the socket. A stream: onItem for each frame, its `error` and `end` events included;
 * otherwise one onResponse. Then exactly one of onEnd and onFailure, and nothing after it.
 */
export interface CallObserver {
  onSent?(): void;
  /** With the upstream's own headers; what of them a client may see is the caller's to decide. */
  onHeaders?(head: UpstreamHead): void;
  /** Bytes of a stream came: the items that were in them follow at once. */
  onPiece?(): void;
  onItem?(item: StreamItem): void;
  /** `raw` is the provider's JSON, for renderers of the same protocol; empty when the answer came as a stream. */
  onResponse?(response: ChatResponse, raw: Record<string, unknown>): void;
  onEnd?(): void;
  onFailure(failure: UpstreamFailure): void;
}

/** One operation that is no chat for one deployment. */
export interface UpstreamOperation {
  deployment: Deployment;
  operation: Operation;
  request: OperationRequest;
  /** Gateways of our kind the request has passed already. */
  hopCount?: number;
}

/** It rendered, and not sent yet: one request, one whole answer. */
export interface PreparedOperation {
  readonly deployment: Deployment;
  readonly wire: OperationWire;
  readonly operationRequest: OperationRequest;
  readonly report: readonly ParameterAdjustment[];
  readonly request: UpstreamRequest;
}

/** Receives one whole answer: exactly one of onResult and onFailure, and nothing after it. */
export interface OperationObserver {
  onSent?(): void;
  onHeaders?(head: UpstreamHead): void;
  onResult(result: OperationResult): void;
  onFailure(failure: UpstreamFailure): void;
}

/** What a provider says is left of its limits. */
export interface RateLimitFacts {
  remainingRequests?: number;
  remainingTokens?: number;
}
