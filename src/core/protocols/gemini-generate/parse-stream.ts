import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { classifyUpstreamError } from '../../errors/classify-upstream.js';
import { interruptedFailure, unreadableFailure } from '../../errors/transport-failure.js';
import type { UpstreamFailure } from '../../errors/upstream-failure.js';
import type { ParseContext, StreamParser } from '../protocol.js';
import { QuickText, SseDecoder, type QuickTextItem, type SseFrame, type TextRule } from '../sse/index.js';
import { answerFacts } from './answer-facts.js';
import { candidateEvents, keepText, newCandidate, type CandidateState } from './candidate-events.js';
import { JsonObjectSplitter } from './json-framing.js';
import { parseError } from './parse-error.js';
import { parseUsage } from './parse-usage.js';
import { isWire, type Wire } from './wire.js';

/** Blank space and a byte order mark before the first sign of the body's kind. */
const LEADING: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0d, 0x20, 0xef, 0xbb, 0xbf]);
const OPEN_BRACKET = 0x5b;
const OPEN_BRACE = 0x7b;

const TEXT: TextRule = {
  openings: ['"text":"', '"text": "'],
  textOf: (frame) => {
    const candidate = onlyOf(frame['candidates']);
    const content = isWire(candidate) ? candidate['content'] : undefined;
    const part = isWire(content) ? onlyOf(content['parts']) : undefined;
    return isWire(part) ? part['text'] : undefined;
  },
  countsBehind: '"usageMetadata"',
};

interface Framing {
  push(chunk: Uint8Array): void;
  end?(): void;
  /** The bytes so far are the beginning of something of this kind. */
  readonly incomplete?: boolean;
}

/**
 * Gemini's stream has no terminator: a finish reason for every choice and then a clean end of the body are its real end. The body is SSE
 * (`alt=sse`), or a JSON array of the same frames, or a lone JSON object.
 */
export class GeminiStreamParser implements StreamParser {
  private framing: Framing | null = null;
  private sse: SseDecoder | null = null;
  private readonly quick = new QuickText(TEXT, (item) => this.plainText(item));
  /** The last frame that was read by its text alone: it states the usage of all before it. */
  private counted: QuickTextItem | null = null;
  private readonly candidates = new Map<number, CandidateState>();
  private responseId: string | undefined;
  private started = false;
  private done = false;
  private sawBytes = false;
  private sawFrame = false;

  constructor(
    private readonly sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
  ) {}

  push(chunk: Uint8Array): void {
    if (this.done || chunk.length === 0) return;
    const bytes = this.framing === null ? this.recognise(chunk) : chunk;
    if (this.framing === null) return;
    this.guarded(() => this.framing?.push(bytes));
    this.restateUsage();
  }

  end(): void {
    if (this.done) return;
    this.guarded(() => this.framing?.end?.());
    this.restateUsage();
    if (this.done) return;
    if (this.allFinished()) return this.last({ type: 'end' });
    if (this.sawBytes && !this.sawFrame && this.framing?.incomplete !== true)
      return this.fail(unreadableFailure('The provider answered something that is not a Gemini stream.'));
    this.fail(interruptedFailure());
  }

  /** Chooses the framing by the first byte that says anything; returns the bytes from there on. */
  private recognise(chunk: Uint8Array): Uint8Array {
    const first = chunk.findIndex((byte) => !LEADING.has(byte));
    if (first < 0) return chunk;
    this.sawBytes = true;
    const json = chunk[first] === OPEN_BRACKET || chunk[first] === OPEN_BRACE;
    if (json) this.framing = new JsonObjectSplitter((text) => this.frame(text));
    else this.framing = this.sse = new SseDecoder((frame) => this.frame(frame.data, frame), { taker: this.quick });
    return chunk.subarray(first);
  }

  private plainText(item: QuickTextItem): void {
    if (this.done) return;
    this.counted = item;
    keepText(this.candidates.get(item.choice) as CandidateState, item.text);
    this.sink(item);
  }

  /** Before anything else is told, and once for all frames of one piece. */
  private restateUsage(): void {
    const { counted } = this;
    this.counted = null;
    const usage = counted === null || this.done ? null : this.usage(counted.raw['usageMetadata']);
    if (usage !== null) this.sink({ events: [usage] });
  }

  /** A line or object beyond every bound ends the stream, it never throws into the socket. */
  private guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Error) || !error.name.endsWith('Overflow')) throw error;
      this.fail(unreadableFailure(error.message));
    }
  }

  private frame(text: string, frame?: SseFrame): void {
    this.restateUsage();
    this.quick.forget();
    // Proxies that imitate Gemini end their streams in OpenAI's way.
    if (this.done || text === '' || text === '[DONE]') return;
    this.sawFrame = true;
    const raw = parseJson(text);
    if (!isWire(raw)) {
      const facts = parseError(raw);
      return this.fail(
        facts === null
          ? unreadableFailure('The provider sent a frame that is not valid JSON.', text)
          : classifyUpstreamError(facts, { kind: 'stream-error', dialect: this.context.dialect, body: text }),
      );
    }
    const facts = raw['candidates'] === undefined ? parseError(raw) : null;
    if (facts !== null) return this.fail(classifyUpstreamError(facts, { kind: 'stream-error', dialect: this.context.dialect, body: text }), raw);
    const events = this.events(raw);
    if (frame !== undefined && this.sse !== null) this.quick.learn(frame, this.sse.wire, events);
    this.sink({ events, raw });
  }

  private events(raw: Wire): ChatEvent[] {
    const events: ChatEvent[] = this.started ? [] : [this.start(raw)];
    const candidates: unknown[] = Array.isArray(raw['candidates']) ? raw['candidates'] : [];
    for (const candidate of candidates) {
      if (isWire(candidate))
        events.push(...candidateEvents(candidate, this.candidate(candidate), { responseId: this.responseId, dialect: this.context.dialect }));
    }
    if (candidates.length === 0) events.push(...this.blocked(raw['promptFeedback']));
    const usage = this.usage(raw['usageMetadata']);
    return usage === null ? events : [...events, usage];
  }

  private start(raw: Wire): ChatEvent {
    this.started = true;
    const facts = answerFacts(raw);
    this.responseId = facts.upstreamId;
    return { type: 'start', ...facts };
  }

  /** The index is left out for the only candidate. */
  private candidate(candidate: Wire): CandidateState {
    const choice = Number.isInteger(candidate['index']) ? (candidate['index'] as number) : 0;
    const known = this.candidates.get(choice);
    if (known !== undefined) return known;
    const state = newCandidate(choice);
    this.candidates.set(choice, state);
    return state;
  }

  /** A blocked prompt has no candidates: every choice ends at once, filtered. */
  private blocked(feedback: unknown): ChatEvent[] {
    const reason = isWire(feedback) ? feedback['blockReason'] : undefined;
    if ((typeof reason !== 'string' && typeof reason !== 'number') || this.candidates.size > 0) return [];
    return Array.from({ length: Math.max(1, this.context.choices) }, (_, choice): ChatEvent => {
      this.candidates.set(choice, newCandidate(choice, true));
      return { type: 'finish', choice, reason: 'content_filter', raw: String(reason) };
    });
  }

  private usage(raw: unknown): ChatEvent | null {
    const usage = parseUsage(raw, this.context.dialect);
    if (usage === 'missing') return null;
    return usage === 'invalid' ? { type: 'usage', raw } : { type: 'usage', usage, raw };
  }

  private allFinished(): boolean {
    const wanted = Math.max(1, this.context.choices);
    return this.candidates.size >= wanted && [...this.candidates.values()].every((state) => state.finished);
  }

  private fail(failure: UpstreamFailure, raw?: Wire): void {
    this.done = true;
    this.sink(raw === undefined ? { events: [{ type: 'error', failure }] } : { events: [{ type: 'error', failure }], raw });
  }

  private last(event: ChatEvent): void {
    this.done = true;
    this.sink({ events: [event] });
  }
}

/** The only item of an array. */
function onlyOf(value: unknown): unknown {
  return Array.isArray(value) && value.length === 1 ? (value as unknown[])[0] : undefined;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
