import type { ParameterAdjustment } from '../chat/parameter-report.js';
import type { ChatRequest } from '../chat/request.js';
import type { ChatResponse } from '../chat/response.js';
import type { ChatEvent, StreamItem } from '../chat/event.js';
import type { Usage } from '../chat/usage.js';
import type { GatewayError } from '../errors/gateway-error.js';
import type { JsonBytes } from '../json/index.js';
import type { UpstreamErrorFacts } from '../errors/upstream-failure.js';
import type { ResponseDialect } from './dialect.js';

/** Wire formats in which a client may ask. */
export type ClientProtocolId = 'openai-chat' | 'anthropic-messages' | 'gemini-generate' | 'openai-responses' | 'openai-completions';
/** Wire formats that only upstreams speak. */
export type UpstreamOnlyProtocolId = 'cohere-chat' | 'ollama-chat' | 'bedrock-converse' | 'bedrock-invoke';
export type ProtocolId = ClientProtocolId | UpstreamOnlyProtocolId;

/** What a renderer towards the client must know about the request it answers. */
export interface RenderContext {
  requestId: string;
  /** The one id of this answer (`chatcmpl-…`, `msg_…`), made by the gateway. */
  responseId: string;
  createdS: number;
  /** The public name of the model that served. */
  model: string;
  includeUsage: boolean;
  /** Under which field(s) reasoning leaves (`x-og-reasoning-field`); openai-chat only. */
  reasoningField: 'reasoning_content' | 'reasoning' | 'both' | 'none';
  /** Members of the request that the answer repeats (`instructions`, `tools`, …); openai-responses only. */
  echo?: Readonly<Record<string, unknown>>;
  /** What the renderers of one client's stream share, one per attempt; openai-responses only. */
  memory?: StreamMemory;
}

/** A stream that a heartbeat has begun goes on where it was when another deployment answers it. */
export interface StreamMemory {
  /** The next event's `sequence_number`. */
  sequence: number;
  started: boolean;
  /** The whole answer, once it has ended well. */
  answer?: Record<string, unknown>;
}

/** What a charge is made of, as clients read it. */
export interface CostDetails {
  lines: readonly { class: string; quantity: number; unit: string; price_nano_usd: string }[];
}

/** Added to the usage a client sees: money and route (CONTRACT: `usage.cost`, `og` of the last chunk). */
export interface AnswerSummary {
  usage: Usage;
  estimated: boolean;
  /** USD as a decimal string with up to 9 places, exact. */
  costUsd?: string;
  costDetails?: CostDetails;
  /** For the last chunk. */
  og?: AnswerRoute;
}

/** Who answered, as clients read it; written in this order. */
export interface AnswerRoute {
  provider?: string | undefined;
  model?: string | undefined;
  attempts?: number;
  request_id?: string;
  fallback?: string;
}

/** An answer of the client's own protocol: the upstream's JSON, and `response`, the normalised reading of it. */
export interface NativeAnswer {
  raw: Record<string, unknown>;
  context: RenderContext;
  summary: AnswerSummary;
  response: ChatResponse;
}

/** Turns canonical items into the bytes one client reads. Stateful: one per stream. Everything returned is complete SSE frames, or ''. */
export interface StreamRenderer {
  /**
   * `native` is true when the item comes from the same protocol and no event of it was changed: then `item.raw` is
   * passed on with only id, created, model and usage patched, so that unknown fields survive.
   */
  render(item: StreamItem, native: boolean): string;
  /** After the upstream's real end: what closes the stream properly (usage, `[DONE]`, `message_stop`). */
  finish(summary: AnswerSummary): string;
  /** After content was sent: the in-stream error, never followed by a normal end. `partial` when some usage is known. */
  fail(error: GatewayError, summary?: AnswerSummary): string;
  /** Something the client's parser ignores (SSE comment, `ping`). */
  heartbeat(): string;
}

/** Turns upstream bytes into canonical items. Push style and synchronous: no promise per event on this path. */
export interface StreamParser {
  /** Any slice of the body; may end anywhere, also inside a UTF-8 sequence. */
  push(chunk: Uint8Array): void;
  /**
   * The body ended cleanly at HTTP level. Emits `end` when the protocol's real end was seen (terminator, or a finish
   * reason for every choice), otherwise `error` with kind `interrupted`. Emits nothing when `end` or `error` was emitted already.
   */
  end(): void;
  /** True once the protocol's own terminator was seen: a connection that fails now fails after the answer. */
  readonly complete?: boolean;
}

export interface ParseContext {
  dialect: ResponseDialect;
  /** How many choices were asked for. */
  choices: number;
}

export interface UpstreamRenderContext {
  /** The provider's own name of the model. */
  upstreamModel: string;
  /** Cap of the model's output, when the protocol demands a number and the client gave none. */
  maxOutputTokens?: number;
  /** The model can reason; some protocols render reasoning parameters only then. */
  reasons: boolean;
  /** Protocol-specific facts about the model from the catalogue (`thinking: adaptive`, …); protocols document what they read. */
  modelFacts: Readonly<Record<string, unknown>>;
}

/** A request body for an upstream, as an object whose top-level members the dialect may still change. */
export interface RenderedRequest {
  wire: Record<string, unknown>;
  report: ParameterAdjustment[];
}

export interface EndpointTarget {
  /** As configured: scheme, host, perhaps a path; a final slash is ignored. */
  baseUrl: string;
  upstreamModel: string;
  stream: boolean;
}

/** One wire format towards upstreams. Pure: no I/O, no clock, no random; ids come from the context. */
export interface UpstreamProtocol {
  readonly id: ProtocolId;
  /** The full URL, after CONTRACT section 3 (`base_url` rules). */
  endpoint(target: EndpointTarget): string;
  /** Headers every upstream of this protocol wants, besides authentication (`anthropic-version`). Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** What `accept` asks for when the answer shall be a stream; default `text/event-stream`. */
  readonly streamMediaType?: string;
  /** The frames of a stream are JSON objects, so that its first byte does not tell it from a whole answer. */
  readonly streamsObjects?: boolean;
  renderRequest(request: ChatRequest, context: UpstreamRenderContext): RenderedRequest;
  /**
   * Same protocol on both sides: the client's own members, with only what the gateway must change (`model`,
   * `stream_options.include_usage`, gateway-only members removed). A member left alone is the identical object, so that
   * the splice can keep the client's bytes for it. Absent where no client speaks the protocol.
   */
  renderNativeRequest?(wire: Record<string, unknown>, request: ChatRequest, context: UpstreamRenderContext): RenderedRequest;
  /** Throws UnreadableAnswer when the JSON is not an answer of this protocol. */
  parseResponse(body: unknown, context: ParseContext): ChatResponse;
  createStreamParser(sink: (item: StreamItem) => void, context: ParseContext): StreamParser;
  /**
   * Reads an error body; also recognises error bodies inside a 200. Null when the body is no error of any known shape.
   * `headers` (lower-case names) where the protocol says something about the error there.
   */
  parseError(body: unknown, headers?: Readonly<Record<string, string>>): UpstreamErrorFacts | null;
}

/** One wire format, both directions. */
export interface ChatProtocol extends UpstreamProtocol {
  readonly id: ClientProtocolId;

  /** Throws GatewayError 400 that names the JSON path. `body` is the parsed JSON (duplicates, depth and UTF-8 already checked). */
  parseRequest(body: unknown): ChatRequest;
  renderResponse(response: ChatResponse, context: RenderContext, summary: AnswerSummary): Record<string, unknown>;
  /**
   * The upstream's own JSON with only id, created, model, usage and what `response` (the normalised reading of it) corrects
   * patched, so that unknown fields survive (same protocol on both sides). Without `response` the raw answer is read again.
   */
  renderNativeResponse(raw: Record<string, unknown>, context: RenderContext, summary: AnswerSummary, response?: ChatResponse): Record<string, unknown>;
  /** The JSON of `renderNativeResponse` where it can be written for less; false where it cannot, and nothing is written. */
  writeNativeResponse?(json: JsonBytes, answer: NativeAnswer): boolean;
  createStreamRenderer(context: RenderContext): StreamRenderer;
  /** The error envelope of this protocol's clients. */
  renderError(error: GatewayError, requestId: string): Record<string, unknown>;
  /** The HTTP status of that envelope where this protocol's clients expect another than the catalogue's (Anthropic: 529 for overload). */
  errorStatus?(error: GatewayError): number;
  renderNativeRequest(wire: Record<string, unknown>, request: ChatRequest, context: UpstreamRenderContext): RenderedRequest;
}

/** A 200 whose body is not what the protocol promises. */
export class UnreadableAnswer extends Error {
  constructor(
    message: string,
    /** Set when the body is an error object. */
    readonly facts: UpstreamErrorFacts | null = null,
  ) {
    super(message);
    this.name = 'UnreadableAnswer';
  }
}

export type { ChatEvent, StreamItem };
