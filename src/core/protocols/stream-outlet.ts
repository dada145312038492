import type { ChatEvent, StreamItem } from '../chat/event.js';
import { classifyUpstreamError } from '../errors/classify-upstream.js';
import { interruptedFailure, unreadableFailure } from '../errors/transport-failure.js';
import type { UpstreamErrorFacts, UpstreamFailure } from '../errors/upstream-failure.js';
import type { JsonObject } from '../json/index.js';
import type { ResponseDialect } from './dialect.js';

/** Where a stream parser's events leave: one `start` before anything, one `end` or `error` after which nothing follows. */
export class StreamOutlet {
  #started = false;
  #done = false;
  #sawFrame = false;

  constructor(
    private readonly sink: (item: StreamItem) => void,
    private readonly dialect: ResponseDialect,
  ) {}

  get done(): boolean {
    return this.#done;
  }

  /** The events of one frame; `start` carries the facts of the first one. */
  emit(events: readonly ChatEvent[], raw: JsonObject, start: Omit<Extract<ChatEvent, { type: 'start' }>, 'type'> = {}): void {
    if (this.#done) return;
    this.#sawFrame = true;
    const first: ChatEvent[] = this.#started ? [] : [{ type: 'start', ...start }];
    this.#started = true;
    const all = [...first, ...events];
    if (all.length > 0) this.sink({ events: all, raw });
  }

  /** The protocol's own end was seen. */
  end(): void {
    this.#last({ type: 'end' });
  }

  /** The upstream states an error inside its stream. */
  refuse(facts: UpstreamErrorFacts, body: string): void {
    this.fail(classifyUpstreamError(facts, { kind: 'stream-error', dialect: this.dialect, body }));
  }

  fail(failure: UpstreamFailure): void {
    this.#last({ type: 'error', failure });
  }

  /** The body ended without the protocol's end: broken off, or never such a stream at all. */
  cut(): void {
    this.fail(this.#sawFrame ? interruptedFailure() : unreadableFailure('The provider’s answer is not a stream of this protocol.'));
  }

  /** Bytes that are no frames end the stream; they never throw into the socket. */
  guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Error) || !/(?:Overflow|Corruption)$/.test(error.name)) throw error;
      this.fail(unreadableFailure(error.message));
    }
  }

  #last(event: ChatEvent): void {
    if (this.#done) return;
    this.#done = true;
    this.sink({ events: [event] });
  }
}
