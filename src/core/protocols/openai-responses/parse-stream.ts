import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { classifyUpstreamError } from '../../errors/classify-upstream.js';
import { interruptedFailure, unreadableFailure } from '../../errors/transport-failure.js';
import type { UpstreamFailure } from '../../errors/upstream-failure.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ParseContext, StreamParser } from '../protocol.js';
import { SseDecoder, SseOverflow, type SseFrame } from '../sse/index.js';
import { parseError } from './parse-error.js';
import { EventReader } from './read-event.js';

const MAX_LOGGED_CHARS = 8_192;

/** Upstream bytes → canonical items. The real end is `response.completed` or `response.incomplete`; `response.failed` and `error` are failures. */
export class ResponsesStreamParser implements StreamParser {
  complete = false;
  private readonly decoder = new SseDecoder((frame) => this.frame(frame));
  private readonly reader: EventReader;
  private closed = false;

  constructor(
    private readonly sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
  ) {
    this.reader = new EventReader(context);
  }

  push(chunk: Uint8Array): void {
    if (!this.closed) this.decode(() => this.decoder.push(chunk));
  }

  end(): void {
    if (!this.closed) this.decode(() => this.decoder.end());
    if (!this.closed) this.fail(interruptedFailure('The provider’s stream ended before the response was complete.'));
  }

  private decode(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof SseOverflow)) throw error;
      this.fail(unreadableFailure(error.message));
    }
  }

  private frame({ data, event }: SseFrame): void {
    if (this.closed || data === '') return;
    const raw = parseFrame(data, event);
    // Some servers add Chat Completions' terminator.
    if (raw === null) return data.trim() === '[DONE]' ? undefined : this.sink({ events: [{ type: 'drift', what: 'frame:unreadable' }] });
    if (isFailure(raw)) return this.fail(this.classify(raw));
    const events = this.reader.read(raw);
    if (events.at(-1)?.type === 'end') this.complete = this.closed = true;
    this.sink(event === undefined ? { events, raw, rawText: data } : { events, raw, rawText: data, rawEvent: event });
  }

  private classify(raw: JsonObject): UpstreamFailure {
    const body = JSON.stringify(raw).slice(0, MAX_LOGGED_CHARS);
    return classifyUpstreamError(parseError(raw), { kind: 'stream-error', dialect: this.context.dialect, body });
  }

  private fail(failure: UpstreamFailure): void {
    this.closed = true;
    const last: ChatEvent = { type: 'error', failure };
    this.sink({ events: [last] });
  }
}

/** Servers that leave `type` out of the data say it as the event's name. */
function parseFrame(data: string, event: string | undefined): JsonObject | null {
  try {
    const value = JSON.parse(data) as unknown;
    if (!isObject(value)) return null;
    return value['type'] === undefined && event !== undefined ? { ...value, type: event } : value;
  } catch {
    return null;
  }
}

function isFailure(raw: JsonObject): boolean {
  if (raw['type'] === 'error' || raw['type'] === 'response.failed' || raw['type'] === 'response.cancelled') return true;
  return raw['type'] === undefined && parseError(raw) !== null;
}
