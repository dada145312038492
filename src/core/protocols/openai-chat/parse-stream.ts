import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { eventsOfResponse } from '../../chat/events-of-response.js';
import { classifyUpstreamError } from '../../errors/classify-upstream.js';
import { interruptedFailure, unreadableFailure } from '../../errors/transport-failure.js';
import type { UpstreamErrorFacts, UpstreamFailure } from '../../errors/upstream-failure.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer, type ParseContext, type StreamParser } from '../protocol.js';
import { QuickText, SseDecoder, SseOverflow, type SseFrame, type TextRule } from '../sse/index.js';
import { parseError } from '../shared-openai/index.js';
import { finishFacts, isTruthyError, parseResponse } from './parse-response.js';
import { ChunkReader } from './read-chunk.js';

/** A whole answer where a stream was asked for. */
const MAX_JSON_BYTES = 64 * 1024 * 1024;
const OPEN_BRACE = 0x7b;
const OPEN_BRACKET = 0x5b;
const LESS_THAN = 0x3c;
const DONE = '[DONE]';

const TEXT: TextRule = {
  openings: ['"content":"', '"content": "'],
  textOf: ({ choices }) => {
    const [choice] = Array.isArray(choices) && choices.length === 1 ? (choices as unknown[]) : [];
    return isObject(choice) && isObject(choice['delta']) ? choice['delta']['content'] : undefined;
  },
};

type Mode = 'unknown' | 'events' | 'json' | 'closed';

/**
 * `text/event-stream` of chat.completion.chunk → canonical items, one per frame. Also reads one JSON answer where a stream
 * was asked for. `end` comes only when the body has ended, because usage may follow `[DONE]` (spec faults.md F48).
 */
export class OpenAiStreamParser implements StreamParser {
  /** `[DONE]` was seen. */
  complete = false;
  private mode: Mode = 'unknown';
  private readonly quick = new QuickText(TEXT, (item) => {
    if (!this.isClosed()) this.sink(item);
  });
  private readonly decoder = new SseDecoder((frame) => this.frame(frame), { taker: this.quick });
  private readonly reader: ChunkReader;
  private json: Buffer[] = [];
  private jsonBytes = 0;

  constructor(
    private readonly sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
  ) {
    this.reader = new ChunkReader(context.dialect);
  }

  push(bytes: Uint8Array): void {
    const chunk = this.mode === 'unknown' ? this.begin(bytes) : bytes;
    if (this.mode === 'json') return this.keep(chunk);
    if (this.mode !== 'events') return;
    try {
      this.decoder.push(chunk);
    } catch (error) {
      if (!(error instanceof SseOverflow)) throw error;
      this.fail(unreadableFailure(error.message));
    }
  }

  end(): void {
    if (this.isClosed()) return;
    if (this.mode === 'json') return this.endJson();
    this.decoder.end();
    if (this.isClosed()) return;
    const held = this.reader.flush();
    if (held.length > 0) this.sink({ events: held });
    this.close(this.ending());
  }

  /** White space and parts of a byte order mark say nothing yet: they wait for the byte that does. */
  private begin(bytes: Uint8Array): Uint8Array {
    this.mode = modeOf(bytes);
    if (this.mode === 'unknown') {
      this.keep(bytes);
      return bytes;
    }
    const chunk = this.json.length === 0 ? bytes : Buffer.concat([...this.json, bytes]);
    this.json = [];
    this.jsonBytes = 0;
    return chunk;
  }

  private isClosed(): boolean {
    return this.mode === 'closed';
  }

  /** The protocol's real end is its terminator, or a finish reason for every choice before a clean end of the body. */
  private ending(): ChatEvent {
    const withoutTerminator = this.context.dialect.endsWithoutTerminator !== false && this.reader.allFinished;
    if (this.complete ? this.reader.anyChoice : withoutTerminator) return { type: 'end' };
    const failure = this.complete ? unreadableFailure('The provider’s stream ended without an answer.') : interruptedFailure();
    return { type: 'error', failure };
  }

  private frame(frame: SseFrame): void {
    const { data } = frame;
    if (this.isClosed() || data === '') return;
    if (data.length < 16 && data.trim() === DONE) {
      this.complete = true;
      return;
    }
    this.chunk(frame);
  }

  private chunk(frame: SseFrame): void {
    const { data, event } = frame;
    const chunk = parseChunk(data);
    if (chunk === null) return this.unreadableFrame(data, event);
    if (event === 'error' || isErrorChunk(chunk)) return this.errorFrame(chunk);
    const events = this.reader.read(chunk);
    const failed = events.find((candidate) => candidate.type === 'finish' && candidate.reason === 'error');
    if (failed !== undefined) return this.failedChoice(events, failed);
    this.quick.learn(frame, this.decoder.wire, events);
    this.sink(event === undefined ? { events, raw: chunk, rawText: data } : { events, raw: chunk, rawText: data, rawEvent: event });
  }

  /** One unreadable frame is counted and passed over: the stream's own end decides whether the answer is whole. */
  private unreadableFrame(data: string, event: string | undefined): void {
    if (event === 'error') return this.fail(this.classify(parseError(data), data));
    this.sink({ events: [{ type: 'drift', what: 'frame:unreadable' }] });
  }

  private errorFrame(chunk: JsonObject): void {
    this.fail(this.classify(parseError(errorBearer(chunk)), JSON.stringify(chunk)));
  }

  private failedChoice(events: readonly ChatEvent[], failed: ChatEvent): void {
    const before = events.filter((event) => event !== failed);
    if (before.length > 0) this.sink({ events: before });
    this.fail(this.classify(finishFacts(failed), JSON.stringify(failed)));
  }

  private classify(facts: UpstreamErrorFacts | null, body: string): UpstreamFailure {
    return classifyUpstreamError(facts, { kind: 'stream-error', dialect: this.context.dialect, body });
  }

  private fail(failure: UpstreamFailure): void {
    this.close({ type: 'error', failure });
  }

  private close(last: ChatEvent): void {
    if (this.isClosed()) return;
    this.mode = 'closed';
    this.json = [];
    this.sink({ events: [last] });
  }

  private keep(chunk: Uint8Array): void {
    this.jsonBytes += chunk.length;
    if (this.jsonBytes > MAX_JSON_BYTES) return this.fail(unreadableFailure('The provider’s answer is larger than the gateway reads.'));
    this.json.push(Buffer.from(chunk));
  }

  private endJson(): void {
    const text = Buffer.concat(this.json)
      .toString('utf8')
      .replace(/^\uFEFF/, '');
    try {
      const events = eventsOfResponse(parseResponse(JSON.parse(text) as unknown, this.context));
      this.mode = 'closed';
      for (const event of events) this.sink({ events: [event] });
    } catch (error) {
      this.fail(this.jsonFailure(error, text));
    }
  }

  private jsonFailure(error: unknown, text: string): UpstreamFailure {
    if (error instanceof UnreadableAnswer && error.facts !== null) return this.classify(error.facts, text);
    return unreadableFailure(error instanceof UnreadableAnswer ? error.message : 'The provider’s answer is neither JSON nor a stream of events.', text);
  }
}

/** By the first byte that is neither white space nor of a byte order mark. A page is read as events, of which it has none. */
function modeOf(chunk: Uint8Array): Mode {
  for (const byte of chunk) {
    if (byte <= 0x20 || byte === 0xef || byte === 0xbb || byte === 0xbf) continue;
    return byte === OPEN_BRACE || byte === OPEN_BRACKET || byte === LESS_THAN ? 'json' : 'events';
  }
  return 'unknown';
}

function parseChunk(data: string): JsonObject | null {
  try {
    const value = JSON.parse(data) as unknown;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

function isErrorChunk(chunk: JsonObject): boolean {
  if (isTruthyError(chunk['error']) || chunk['object'] === 'error') return true;
  if (Array.isArray(chunk['choices'])) return choiceError(chunk) !== null;
  return chunk['usage'] === undefined && parseError(chunk) !== null;
}

const errorBearer = (chunk: JsonObject): JsonObject => (isTruthyError(chunk['error']) ? chunk : (choiceError(chunk) ?? chunk));

/** OpenRouter can put the error into the choice. */
function choiceError(chunk: JsonObject): JsonObject | null {
  const choices = chunk['choices'];
  const [first] = Array.isArray(choices) ? (choices as unknown[]) : [];
  return isObject(first) && isTruthyError(first['error']) ? first : null;
}
