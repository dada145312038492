import type { ChatEvent, StreamItem } from '../../chat/event.js';
import type { FinishReason } from '../../chat/response.js';
import { classifyUpstreamError } from '../../errors/classify-upstream.js';
import { interruptedFailure, unreadableFailure } from '../../errors/transport-failure.js';
import type { UpstreamFailure } from '../../errors/upstream-failure.js';
import type { ParseContext, StreamParser } from '../protocol.js';
import { QuickText, SseDecoder, SseOverflow, type SseFrame, type TextRule } from '../sse/index.js';
import { parseError } from './parse-error.js';
import { settledFinish } from './parse-response.js';
import { mergeUsage, parseUsage } from './parse-usage.js';
import { finishOf } from './stop-reasons.js';
import { openBlock, type OpenBlock } from './stream-blocks.js';
import { isObject, STRUCTURED_OUTPUT_TOOL, type JsonObject } from './types.js';

/** More open blocks than any model has written at once; beyond it the stream is not of this protocol. */
const MAX_OPEN_BLOCKS = 64;

const TEXT: TextRule = {
  openings: ['"text":"', '"text": "'],
  textOf: ({ type, delta }) => (type === 'content_block_delta' && isObject(delta) && delta['type'] === 'text_delta' ? delta['text'] : undefined),
};

/**
 * Upstream bytes → canonical items. The real end is `message_stop`; with the dialect word `endsWithoutTerminator` a stop reason and a
 * clean end suffice. Dialect words read: `finishMap`, `usageSemantics`, `errorMap`, `errorHealth`, `endsWithoutTerminator`.
 */
export class AnthropicStreamParser implements StreamParser {
  /** What it learned holds for the block that was open: each block's beginning and end make it forget. */
  private readonly quick = new QuickText(TEXT, (item) => {
    if (!this.over) this.sink(item);
  });
  private readonly decoder = new SseDecoder((frame) => this.frame(frame), { taker: this.quick });
  private readonly blocks = new Map<number, OpenBlock>();
  private usage: JsonObject = {};
  private toolCount = 0;
  private emulated = false;
  private finished = false;
  private over = false;
  private terminated = false;
  /** The body has ended: a frame that cannot be read was cut off. */
  private ending = false;

  constructor(
    private readonly sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
  ) {}

  get complete(): boolean {
    return this.terminated;
  }

  push(chunk: Uint8Array): void {
    if (!this.over) this.decode(() => this.decoder.push(chunk));
  }

  end(): void {
    this.ending = true;
    if (!this.over) this.decode(() => this.decoder.end());
    if (this.over) return;
    if (this.finished && this.context.dialect.endsWithoutTerminator === true) {
      this.over = true;
      this.sink({ events: [{ type: 'end' }] });
      return;
    }
    this.fail(interruptedFailure("The provider's stream ended without message_stop."));
  }

  private decode(step: () => void): void {
    try {
      step();
    } catch (error) {
      if (!(error instanceof SseOverflow)) throw error;
      this.fail(unreadableFailure(error.message));
    }
  }

  private frame(frame: SseFrame): void {
    if (this.over || frame.data === '') return;
    const raw = this.json(frame);
    if (raw === null) return;
    const events = this.read(raw);
    const last = events.at(-1)?.type;
    if (last === 'end') this.terminated = true;
    if (last === 'end' || last === 'error') this.over = true;
    if (raw['type'] === 'content_block_delta') this.quick.learn(frame, this.decoder.wire, events);
    else this.quick.forget();
    const item: StreamItem = { events, raw, rawText: frame.data };
    if (frame.event !== undefined) item.rawEvent = frame.event;
    this.sink(item);
  }

  private json(frame: SseFrame): JsonObject | null {
    try {
      const value: unknown = JSON.parse(frame.data);
      if (isObject(value)) return value;
    } catch {
      // Told below.
    }
    // Proxies in front of compatible servers add OpenAI's terminator.
    if (frame.data.trim() === '[DONE]') this.sink({ events: [{ type: 'drift', what: 'done-sentinel' }] });
    else if (this.ending) this.fail(interruptedFailure("The provider's stream broke off inside an event."));
    else this.fail(unreadableFailure("An event of the provider's stream is not a JSON object.", frame.data));
    return null;
  }

  private fail(failure: UpstreamFailure): void {
    this.over = true;
    this.sink({ events: [{ type: 'error', failure }] });
  }

  private read(raw: JsonObject): ChatEvent[] {
    switch (raw['type']) {
      case 'message_start':
        return this.messageStart(isObject(raw['message']) ? raw['message'] : {});
      case 'content_block_start':
        return this.blockStart(raw);
      case 'content_block_delta':
        return this.blockDelta(raw);
      case 'content_block_stop':
        return this.blockStop(raw);
      case 'message_delta':
        return this.messageDelta(raw);
      case 'message_stop':
        return [...this.blocksLeftOpen(), ...(this.finished ? [] : this.finish(null, null)), { type: 'end' }];
      case 'ping':
        return [{ type: 'ping' }];
      default:
        return this.other(raw);
    }
  }

  /** `error` events, bare error objects, and types we do not know. */
  private other(raw: JsonObject): ChatEvent[] {
    const facts = raw['type'] === 'error' || raw['error'] !== undefined || raw['type'] === undefined ? parseError(raw) : null;
    if (facts === null) return [{ type: 'drift', what: `event:${String(raw['type'])}` }];
    const failure = classifyUpstreamError(facts, { kind: 'stream-error', dialect: this.context.dialect, body: JSON.stringify(raw) });
    return [{ type: 'error', failure }];
  }

  private messageStart(message: JsonObject): ChatEvent[] {
    const start: ChatEvent = { type: 'start' };
    if (typeof message['id'] === 'string') start.upstreamId = message['id'];
    if (typeof message['model'] === 'string') start.upstreamModel = message['model'];
    const usage = message['usage'];
    if (!isObject(usage)) return [start];
    if (typeof usage['service_tier'] === 'string') start.serviceTier = usage['service_tier'];
    return [start, this.usageEvent(usage)];
  }

  private blockStart(raw: JsonObject): ChatEvent[] {
    const wire = isObject(raw['content_block']) ? raw['content_block'] : {};
    const index = this.indexOf(raw);
    if (this.blocks.size >= MAX_OPEN_BLOCKS) return [{ type: 'drift', what: 'too-many-open-blocks' }];
    if (wire['type'] === 'tool_use' && wire['name'] === STRUCTURED_OUTPUT_TOOL) this.emulated = true;
    // A server that forgets content_block_stop: the block under this number ends here.
    const left = this.blocks.get(index)?.stop() ?? [];
    const block = openBlock(wire, () => this.toolCount++);
    this.blocks.set(index, block);
    return [...left, ...block.start()];
  }

  private blockDelta(raw: JsonObject): ChatEvent[] {
    const delta = isObject(raw['delta']) ? raw['delta'] : {};
    const block = this.blocks.get(this.indexOf(raw));
    return block === undefined ? [{ type: 'drift', what: 'delta-without-block' }] : block.delta(delta);
  }

  private blockStop(raw: JsonObject): ChatEvent[] {
    const index = this.indexOf(raw);
    const block = this.blocks.get(index);
    this.blocks.delete(index);
    return block?.stop() ?? [];
  }

  private blocksLeftOpen(): ChatEvent[] {
    const events = [...this.blocks.values()].flatMap((block) => block.stop());
    this.blocks.clear();
    return events;
  }

  private messageDelta(raw: JsonObject): ChatEvent[] {
    const delta = isObject(raw['delta']) ? raw['delta'] : {};
    const events = this.blocksLeftOpen();
    if (typeof delta['stop_reason'] === 'string' && !this.finished) {
      events.push(...this.finish(delta['stop_reason'], typeof delta['stop_sequence'] === 'string' ? delta['stop_sequence'] : null));
    }
    if (isObject(raw['usage'])) events.push(this.usageEvent(raw['usage']));
    return events;
  }

  private finish(raw: string | null, stopSequence: string | null): ChatEvent[] {
    this.finished = true;
    const known: FinishReason | null = raw === null ? null : finishOf(raw, this.context.dialect);
    const called = this.toolCount > 0;
    const reason = settledFinish(known, called, this.emulated && !called);
    const finish: ChatEvent = { type: 'finish', choice: 0, reason, raw, ...(stopSequence === null ? {} : { stopSequence }) };
    return known === null ? [{ type: 'drift', what: `stop_reason:${raw ?? 'missing'}` }, finish] : [finish];
  }

  private usageEvent(usage: JsonObject): ChatEvent {
    this.usage = mergeUsage(this.usage, usage);
    const parsed = parseUsage(this.usage, this.context.dialect.usageSemantics);
    return parsed === null ? { type: 'usage', raw: this.usage } : { type: 'usage', usage: parsed, raw: this.usage };
  }

  private indexOf(raw: JsonObject): number {
    return typeof raw['index'] === 'number' ? raw['index'] : 0;
  }
}
