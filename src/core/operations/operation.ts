import type { ParameterAdjustment } from '../chat/parameter-report.js';
import type { Usage } from '../chat/usage.js';
import type { AnswerSummary } from '../protocols/protocol.js';
import type { WireId } from './wire-id.js';

export type OperationKind = 'embeddings' | 'rerank' | 'moderations' | 'images' | 'image-edits' | 'speech' | 'transcriptions';

/** What a request can use at most, for the hold; and what it needs, for policy and capability filters. */
export interface OperationBounds {
  /** Estimate of the text sent, in tokens. */
  promptTokens: number;
  /** Tokens of the answer: 0 where an answer has none. */
  outputTokens: number;
  /** What is charged besides tokens; default: one request. */
  units?: {
    /** Units of a price per request (Cohere's searches). */
    requests?: number;
    images?: number;
    /** Of sound, sent or made. */
    seconds?: number;
  };
  audioInput?: boolean;
  audioOutput?: boolean;
  imageOutput?: boolean;
}

/** What every kind of request says. */
export interface OperationRequest {
  /** As the client wrote it: model id, alias, `provider/model`, `class:…`. */
  model: string;
  /** The client's own fallback list, in order. */
  models?: string[];
  bounds: OperationBounds;
}

export interface OperationTarget {
  /** As configured: scheme, host, perhaps a path. */
  baseUrl: string;
  upstreamModel: string;
}

/** A request as it goes to an upstream. */
export interface RenderedOperation {
  contentType: string;
  body: string | Uint8Array;
  report: ParameterAdjustment[];
}

/** A success as it came, read to its end. */
export interface WholeAnswer {
  /** Lower case; '' when there was none. */
  contentType: string;
  bytes: Buffer;
}

/** What the renderer towards the client must know. */
export interface OperationContext {
  requestId: string;
  createdS: number;
  /** The public name of the model that served. */
  model: string;
  summary: AnswerSummary;
}

export interface OperationReply {
  contentType: string;
  body: string | Uint8Array;
}

/** An answer, read: what it used, and how it is told to the client. */
export interface OperationResult {
  /** The provider's own count; undefined when it gave none that can be believed. */
  usage?: Usage;
  /** Ours, where the provider's is missing; default: the estimate of the prompt alone. */
  estimate?: Usage;
  /** Units of a price per request; default 1. */
  requests?: number;
  images: number;
  seconds: number;
  render(context: OperationContext): OperationReply;
}

/** One wire format of one kind of operation, towards an upstream. Pure. */
export interface OperationWire<Request extends OperationRequest = OperationRequest> {
  endpoint(target: OperationTarget): string;
  render(request: Request, target: OperationTarget): RenderedOperation;
  /** Throws UnreadableAnswer when the body is not an answer of this kind. */
  parse(answer: WholeAnswer, request: Request): OperationResult;
}

/** One kind of request with one answer: how clients ask, and every wire that upstreams are asked in. */
export interface Operation<Request extends OperationRequest = OperationRequest> {
  readonly kind: OperationKind;
  /** What a model must serve: `endpoints` of catalogue and configuration. */
  readonly endpoint: string;
  /** How the client's body is written; `either`: its content type says. */
  readonly reads: 'json' | 'form' | 'either';
  /** JSON object or MultipartForm → request. Throws GatewayError 400 that names the member. */
  parse(body: unknown): Request;
  readonly wires: Readonly<Partial<Record<WireId, OperationWire<Request>>>>;
}
