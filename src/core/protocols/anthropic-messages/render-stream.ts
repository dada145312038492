import type { ChatEvent, StreamItem } from '../../chat/event.js';
import type { FinishReason } from '../../chat/response.js';
import { NO_USAGE, type Usage } from '../../chat/usage.js';
import type { GatewayError } from '../../errors/gateway-error.js';
import type { AnswerSummary, RenderContext, StreamRenderer } from '../protocol.js';
import { encodeSse } from '../sse/index.js';
import { renderError } from './render-error.js';
import { ogOf } from './render-response.js';
import { renderUsage, usageAdditions } from './render-usage.js';
import { stopReasonOf } from './stop-reasons.js';
import { isObject, PROTOCOL, type JsonObject, type WireBlock } from './types.js';
import { BlockWriter, frameOf } from './write-blocks.js';

interface Finish {
  reason: FinishReason;
  raw: string | null;
  stopSequence?: string | null;
}

/** Canonical items → one Anthropic client's stream. `message_delta` and `message_stop` wait for finish(), which knows what it cost. */
export class AnthropicStreamRenderer implements StreamRenderer {
  private readonly blocks = new BlockWriter();
  private started = false;
  private usage: Usage = { ...NO_USAGE };
  private finishSeen: Finish | undefined;
  /** Native lane: the upstream's own message_delta frames. */
  private readonly held: JsonObject[] = [];

  constructor(private readonly context: RenderContext) {}

  render(item: StreamItem, native: boolean): string {
    for (const event of item.events) this.note(event);
    if (native && item.raw !== undefined && typeof item.raw['type'] === 'string') return this.renderRaw(item.raw, item);
    const out = item.events.map((event) => this.renderEvent(event)).join('');
    // A changed frame opened the block: what the upstream sends for its number goes there.
    if (out !== '' && item.raw?.['type'] === 'content_block_start') this.blocks.follow(Number(item.raw['index'] ?? 0));
    return out;
  }

  finish(summary: AnswerSummary): string {
    if (this.finishSeen?.reason === 'error' && this.held.length === 0) return this.brokenOff(this.finishSeen.raw);
    const closed = this.start() + this.blocks.closeAll();
    return closed + this.messageDelta(summary) + frameOf({ type: 'message_stop' });
  }

  fail(error: GatewayError, summary?: AnswerSummary): string {
    const partial = summary === undefined ? {} : { usage: { ...renderUsage(summary.usage), ...usageAdditions(summary) } };
    return encodeSse(JSON.stringify({ ...renderError(error, this.context.requestId), ...partial }), 'error');
  }

  heartbeat(): string {
    return frameOf({ type: 'ping' });
  }

  /** What later frames need to know of an event, in either lane. */
  private note(event: ChatEvent): void {
    if (event.type === 'usage' && event.usage !== undefined) this.usage = event.usage;
    if (event.type === 'finish' && event.choice === 0) this.finishSeen = event;
  }

  private renderEvent(event: ChatEvent): string {
    if (event.type === 'start') return this.start();
    if (event.type === 'ping') return this.heartbeat();
    if ('choice' in event && event.choice !== 0) return '';
    const content = this.contentOf(event);
    return content === '' ? '' : this.start() + content;
  }

  private contentOf(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
        return this.blocks.text(event.text);
      case 'reasoning-delta':
        return this.blocks.thinking(event.text);
      case 'reasoning-end':
        return this.blocks.endThinking(event);
      case 'tool-call-start':
        return this.blocks.toolStart(event.index, event.id, event.name);
      case 'tool-call-delta':
        return this.blocks.toolDelta(event.index, event.argumentsText);
      default:
        return this.otherContent(event);
    }
  }

  private otherContent(event: ChatEvent): string {
    switch (event.type) {
      case 'annotations':
        return this.blocks.citations(event.value);
      case 'image':
        return this.blocks.image(event.source);
      case 'opaque':
        return event.protocol === PROTOCOL && isObject(event.value) ? this.blocks.whole(event.value as WireBlock) : '';
      case 'audio-delta':
        return this.transcript(event.value['transcript']);
      default:
        return '';
    }
  }

  /** Sound has no place in this protocol; its words have. */
  private transcript(words: unknown): string {
    return typeof words === 'string' && words !== '' ? this.blocks.text(words) : '';
  }

  private start(): string {
    if (this.started) return '';
    this.started = true;
    const { responseId: id, model } = this.context;
    const usage = { ...renderUsage(this.usage), output_tokens: 0 };
    return frameOf({
      type: 'message_start',
      message: { id, type: 'message', role: 'assistant', model, content: [], stop_reason: null, stop_sequence: null, usage },
    });
  }

  private messageDelta(summary: AnswerSummary): string {
    const last = this.held.at(-1);
    if (last !== undefined) {
      const usage = isObject(last['usage']) ? last['usage'] : renderUsage(summary.usage);
      const earlier = this.held.slice(0, -1).map((raw) => encodeSse(JSON.stringify(raw), 'message_delta'));
      return earlier.join('') + frameOf({ ...last, type: 'message_delta', usage: { ...usage, ...usageAdditions(summary) }, ...ogOf(summary) });
    }
    const finish = this.finishSeen;
    const delta = {
      stop_reason: finish === undefined ? 'end_turn' : stopReasonOf(finish.reason, finish.raw, finish.stopSequence),
      stop_sequence: finish?.stopSequence ?? null,
    };
    return frameOf({ type: 'message_delta', delta, usage: { ...renderUsage(summary.usage), ...usageAdditions(summary) }, ...ogOf(summary) });
  }

  /** A provider's finish reason that says "error" must not look like an answer. */
  private brokenOff(raw: string | null): string {
    const error = { type: 'api_error', message: `The provider broke the answer off${raw === null ? '' : ` (${raw})`}.` };
    return encodeSse(JSON.stringify({ type: 'error', error, request_id: this.context.requestId }), 'error');
  }

  /** The native lane: the upstream's frame, with only id, model and (after changed frames) block indexes made ours. */
  private renderRaw(raw: JsonObject, item: StreamItem): string {
    switch (raw['type']) {
      case 'message_start':
        return this.rawStart(raw);
      case 'content_block_start':
        return this.start() + this.rawBlockStart(raw, item);
      case 'content_block_delta':
        return this.pass(this.reindexed(raw), item);
      case 'content_block_stop': {
        const frame = this.reindexed(raw);
        this.blocks.release(Number(frame['index']));
        return this.pass(frame, item);
      }
      case 'message_delta':
        this.held.push(raw);
        return '';
      // Told by finish() and fail(), once the gateway knows how the request ended.
      case 'message_stop':
      case 'error':
        return '';
      default:
        return this.pass(raw, item);
    }
  }

  private rawStart(raw: JsonObject): string {
    this.started = true;
    const message = isObject(raw['message']) ? raw['message'] : {};
    return frameOf({ ...raw, type: 'message_start', message: { ...message, id: this.context.responseId, model: this.context.model } });
  }

  private rawBlockStart(raw: JsonObject, item: StreamItem): string {
    const tool = item.events.find((event) => event.type === 'tool-call-start');
    const closed = this.blocks.closeOwn();
    const index = this.blocks.adopt(Number(raw['index'] ?? 0), isObject(raw['content_block']) ? raw['content_block'] : {}, tool?.index);
    return closed + this.pass(raw['index'] === index ? raw : { ...raw, index }, item);
  }

  private reindexed(raw: JsonObject): JsonObject {
    const index = this.blocks.adoptedIndex(Number(raw['index'] ?? 0));
    return raw['index'] === index ? raw : { ...raw, index };
  }

  private pass(raw: JsonObject, item: StreamItem): string {
    const text = raw === item.raw && item.rawText !== undefined ? item.rawText : JSON.stringify(raw);
    return encodeSse(text, item.rawEvent ?? String(raw['type']));
  }
}
