import type { StreamItem } from '../core/chat/event.js';
import type { ChatResponse } from '../core/chat/response.js';
import { eventsOfResponse } from '../core/chat/events-of-response.js';
import { ResponseOfEvents } from '../core/chat/response-of-events.js';
import { classifyUpstreamError } from '../core/errors/classify-upstream.js';
import { unreadableFailure } from '../core/errors/transport-failure.js';
import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import type { Capabilities } from '../core/catalog/model.js';
import { UnreadableAnswer, type ParseContext, type StreamParser, type UpstreamProtocol } from '../core/protocols/protocol.js';
import { statedError } from './stated-error.js';

/** A whole answer: images as base64 included. Streams are read through and not kept. */
const MAX_JSON_BYTES = 64 * 1_048_576;
const MAX_ERROR_BYTES = 65_536;
const LOGGED_CHARS = 8_192;
const BYTE_ORDER_MARK = 0xfeff;

export interface AnswerContext {
  protocol: UpstreamProtocol;
  parse: ParseContext;
  /** The client asked for a stream. */
  streaming: boolean;
  status: number;
  headers: Readonly<Record<string, string>>;
  capabilities: Capabilities;
  inProcess: boolean;
  nowMs: number;
}

/** Receives what a success says. `end` and `error` are the last events of an item. */
export interface AnswerSink {
  onItem(item: StreamItem): void;
  /** `raw` is the provider's JSON; empty when the answer came as a stream. */
  onResponse(response: ChatResponse, raw: Record<string, unknown>): void;
}

/** What a reader says when it has enough: `null` is a proper end. */
export type Finish = (failure: UpstreamFailure | null) => void;

/** Reads the body of one answer, whichever of its kinds it turns out to be. */
export interface AnswerReader {
  push(chunk: Uint8Array): void;
  /** The body ended cleanly. */
  end(): void;
  /** The protocol's terminator was seen: only usage may still follow, and a connection that fails now fails after the answer. */
  readonly complete?: boolean;
}

/** An answer with an error status: a bounded body, read for the provider's own words. */
export class ErrorReader implements AnswerReader {
  readonly #body = new BodyCollector(MAX_ERROR_BYTES);

  constructor(
    private readonly context: AnswerContext,
    private readonly finish: Finish,
  ) {}

  push(chunk: Uint8Array): void {
    if (!this.#body.add(chunk)) this.end();
  }

  end(): void {
    const text = this.#body.text();
    this.finish(errorOf(text, parseJson(text), this.context));
  }
}

/**
 * A success: JSON or a stream of events, told apart by the first byte that is no white space, because content types lie
 * (F56: HTML with 200, JSON where a stream was asked for, a stream where JSON was).
 */
export class SuccessReader implements AnswerReader {
  #reader: AnswerReader | null = null;

  constructor(
    private readonly context: AnswerContext,
    private readonly sink: AnswerSink,
    private readonly finish: Finish,
  ) {}

  push(chunk: Uint8Array): void {
    if (this.#reader === null) {
      const first = firstByte(chunk);
      if (first === null) return;
      this.#reader = this.#readerFor(first);
    }
    this.#reader?.push(chunk);
  }

  get complete(): boolean {
    return this.#reader?.complete === true;
  }

  end(): void {
    if (this.#reader === null) this.finish(unreadableFailure('The provider answered 200 without a body.'));
    else this.#reader.end();
  }

  #readerFor(first: number): AnswerReader | null {
    const isJson = first === 0x7b || first === 0x5b;
    const isStream = this.context.protocol.streamsObjects === true && this.context.streaming;
    if (isJson && !isStream) return new JsonReader(this.context, this.sink, this.finish);
    const isHtml = first === 0x3c || (this.context.headers['content-type'] ?? '').includes('text/html');
    if (!isHtml) return new EventsReader(this.context, this.sink, this.finish);
    this.finish(unreadableFailure('The provider answered with a web page.'));
    return null;
  }
}

class JsonReader implements AnswerReader {
  readonly #body = new BodyCollector(MAX_JSON_BYTES);

  constructor(
    private readonly context: AnswerContext,
    private readonly sink: AnswerSink,
    private readonly finish: Finish,
  ) {}

  push(chunk: Uint8Array): void {
    if (!this.#body.add(chunk)) this.finish(unreadableFailure('The provider’s answer is larger than the gateway reads.'));
  }

  end(): void {
    const text = this.#body.text();
    const body = parseJson(text);
    if (body === undefined && this.context.protocol.streamsObjects === true) return this.#readAsStream(text);
    if (body === undefined) return this.finish(unreadableFailure('The provider’s answer is not valid JSON.', text.slice(0, LOGGED_CHARS)));
    const failure = this.#deliver(body, text);
    this.finish(failure);
  }

  /** Frames that are objects begin like an answer: only at their end is it seen that there are several. */
  #readAsStream(text: string): void {
    const reader = new EventsReader(this.context, this.sink, this.finish);
    reader.push(Buffer.from(text));
    reader.end();
  }

  #deliver(body: unknown, text: string): UpstreamFailure | null {
    const { protocol, parse, streaming } = this.context;
    try {
      const response = protocol.parseResponse(body, parse);
      response.rawText = text;
      if (streaming) for (const event of eventsOfResponse(response)) this.sink.onItem({ events: [event] });
      else this.sink.onResponse(response, body as Record<string, unknown>);
      return null;
    } catch (error) {
      if (!(error instanceof UnreadableAnswer)) throw error;
      if (error.facts === null && protocol.parseError(body, this.context.headers) === null)
        return unreadableFailure(error.message, text.slice(0, LOGGED_CHARS));
      return errorOf(text, body, this.context);
    }
  }
}

/** A stream of events; gathered when the client asked for one answer. */
class EventsReader implements AnswerReader {
  readonly #parser: StreamParser;
  readonly #gathered: ResponseOfEvents | null;
  #closed = false;

  constructor(
    context: AnswerContext,
    private readonly sink: AnswerSink,
    private readonly finish: Finish,
  ) {
    this.#gathered = context.streaming ? null : new ResponseOfEvents();
    this.#parser = context.protocol.createStreamParser((item) => this.#take(item), context.parse);
  }

  get complete(): boolean {
    return this.#parser.complete === true;
  }

  push(chunk: Uint8Array): void {
    if (!this.#closed) this.#parser.push(chunk);
  }

  end(): void {
    if (!this.#closed) this.#parser.end();
    if (!this.#closed) this.#close(unreadableFailure('The provider’s answer is neither JSON nor a stream of events.'));
  }

  #take(item: StreamItem): void {
    if (this.#closed) return;
    if (this.#gathered === null) this.sink.onItem(item);
    else for (const event of item.events) this.#gathered.push(event);
    const last = item.events.at(-1);
    if (last?.type === 'error') this.#close(last.failure);
    else if (last?.type === 'end') this.#close(null);
  }

  #close(failure: UpstreamFailure | null): void {
    this.#closed = true;
    if (failure === null && this.#gathered !== null) this.sink.onResponse(this.#gathered.response(), {});
    this.finish(failure);
  }
}

class BodyCollector {
  readonly #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(private readonly maxBytes: number) {}

  /** False when the limit is reached; what went before is kept. */
  add(chunk: Uint8Array): boolean {
    if (this.#bytes + chunk.length > this.maxBytes) return false;
    this.#bytes += chunk.length;
    // A copy: the transport reuses the memory behind a chunk once this call has returned.
    this.#chunks.push(Buffer.from(chunk));
    return true;
  }

  text(): string {
    const bytes = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks, this.#bytes);
    const text = bytes.toString('utf8');
    return text.charCodeAt(0) === BYTE_ORDER_MARK ? text.slice(1) : text;
  }
}

function errorOf(text: string, body: unknown, context: AnswerContext): UpstreamFailure {
  const refused = context.status >= 300;
  return classifyUpstreamError(statedError({ text, body, headers: context.headers }, context.protocol, refused), {
    kind: refused ? 'http' : 'invalid',
    status: context.status,
    headers: context.headers,
    nowMs: context.nowMs,
    dialect: context.parse.dialect,
    capabilities: context.capabilities,
    body: text.slice(0, LOGGED_CHARS),
    inProcess: context.inProcess,
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** The first byte that is neither white space nor part of a byte order mark; null when there is none. */
function firstByte(chunk: Uint8Array): number | null {
  for (let at = 0; at < chunk.length; at += 1) {
    const byte = chunk[at] as number;
    const isBlank = byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
    const isMark = byte === 0xef || byte === 0xbb || byte === 0xbf;
    if (!isBlank && !isMark) return byte;
  }
  return null;
}
