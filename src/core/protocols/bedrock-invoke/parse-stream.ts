import type { StreamItem } from '../../chat/event.js';
import { unreadableFailure } from '../../errors/transport-failure.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { encodeEventStream, EventStreamDecoder, type EventStreamMessage } from '../eventstream/index.js';
import type { ParseContext, StreamParser } from '../protocol.js';
import { exceptionFacts } from '../shared-bedrock/index.js';
import { StreamOutlet } from '../stream-outlet.js';
import { answerBodyOf, CONVERSE_MEMBERS, type Bodies, type BodyKind } from './bodies.js';
import { chatOfChoices, chatOfText } from './text-answer.js';

/**
 * `invoke-with-response-stream`: binary messages of the type `chunk`, each with a JSON event of the model's own stream in base64. What is
 * unwrapped is framed anew for the protocol that reads it, so that nothing about a model's events is known twice.
 */
export class InvokeStreamParser implements StreamParser {
  readonly #outlet: StreamOutlet;
  readonly #decoder = new EventStreamDecoder((message) => this.#message(message));
  #inner: StreamParser | null = null;
  #kind: BodyKind | null = null;

  constructor(
    private readonly sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
    private readonly bodies: Bodies,
  ) {
    this.#outlet = new StreamOutlet((item) => this.sink(item), context.dialect);
  }

  get complete(): boolean {
    return this.#inner?.complete === true;
  }

  push(chunk: Uint8Array): void {
    if (!this.#outlet.done) this.#outlet.guard(() => this.#decoder.push(chunk));
  }

  end(): void {
    if (this.#outlet.done) return;
    if (this.#inner === null) this.#outlet.cut();
    else this.#inner.end();
  }

  #message({ headers, payload }: EventStreamMessage): void {
    if (this.#outlet.done) return;
    const text = payload.toString('utf8');
    const outer = parseJson(text);
    const exception = headers[':exception-type'] ?? headers[':error-code'];
    const words = headers[':error-message'];
    if (typeof exception === 'string') return this.#outlet.refuse(exceptionFacts(exception, outer, typeof words === 'string' ? words : ''), text);
    const event = isObject(outer) && typeof outer['bytes'] === 'string' ? parseJson(Buffer.from(outer['bytes'], 'base64').toString('utf8')) : undefined;
    if (!isObject(event)) return this.#outlet.fail(unreadableFailure('The provider sent a chunk that holds no JSON event.', text));
    this.#event(event);
  }

  #event(event: JsonObject): void {
    const kind = answerBodyOf(event);
    const read = kind === null ? chatOfText(event) : event;
    if (read === null) return this.sink({ events: [{ type: 'drift', what: `event:${(Object.keys(event)[0] ?? 'empty').slice(0, 40)}` }] });
    this.#feed(kind ?? 'chat', read);
  }

  /** One stream is one model's: the first event says whose. */
  #feed(kind: BodyKind, event: JsonObject): void {
    this.#kind ??= kind;
    this.#inner ??= this.bodies[this.#kind].createStreamParser(this.sink, this.context);
    this.#inner.push(FRAMES[this.#kind](event));
  }
}

const FRAMES: Readonly<Record<BodyKind, (event: JsonObject) => Uint8Array>> = {
  messages: (event) => Buffer.from(`event: ${String(event['type'])}\ndata: ${JSON.stringify(event)}\n\n`),
  chat: (event) => Buffer.from(`data: ${JSON.stringify(Array.isArray(event['choices']) ? chatOfChoices(event) : event)}\n\n`),
  converse: (event) => {
    const name = CONVERSE_MEMBERS.find((member) => event[member] !== undefined) ?? 'unknown';
    return encodeEventStream({ ':message-type': 'event', ':event-type': name, ':content-type': 'application/json' }, JSON.stringify(event[name] ?? {}));
  },
};

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
