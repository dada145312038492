import type { ChatEvent, StreamItem } from '../../chat/event.js';
import type { GatewayError } from '../../errors/gateway-error.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { AnswerSummary, RenderContext, StreamMemory, StreamRenderer } from '../protocol.js';
import { encodeSse } from '../sse/index.js';
import { envelope, statusOf, summaryMembers, type Ended } from './envelope.js';
import { NativeEvents } from './native-event.js';
import { OutputWriter } from './output-writer.js';
import { renderFailure } from './render-failure.js';

/**
 * Canonical items → the events of a response: created, in_progress, the items, and one of completed, incomplete, failed, which
 * waits for finish(), because it says what the answer cost.
 */
export class ResponsesStreamRenderer implements StreamRenderer {
  private readonly memory: StreamMemory;
  private readonly writer: OutputWriter;
  private readonly native: NativeEvents;
  private ended: Ended = { finish: 'stop', rawFinish: null };

  constructor(private readonly context: RenderContext) {
    this.memory = context.memory ?? { sequence: 0, started: false };
    this.writer = new OutputWriter(context, (type, members) => this.event(type, members));
    this.native = new NativeEvents(context);
  }

  render(item: StreamItem): string {
    for (const event of item.events) this.note(event);
    if (NativeEvents.isOne(item.raw)) return this.nativeFrame(item.raw, item);
    return item.events.map((event) => this.canonical(event)).join('');
  }

  finish(summary: AnswerSummary): string {
    const started = this.start() + this.writer.closeAll();
    const response = this.native.completed(summary) ?? { ...this.envelope('completed'), ...statusOf(this.ended), ...summaryMembers(summary) };
    if (response['status'] !== 'failed') this.memory.answer = response;
    return started + this.event(`response.${String(response['status'])}`, { response });
  }

  fail(error: GatewayError, summary?: AnswerSummary): string {
    const started = this.start();
    const usage = summary === undefined ? {} : summaryMembers(summary);
    const failed = { ...this.envelope('failed'), ...usage, error: renderFailure(error) };
    return started + this.event('response.failed', { response: { ...failed, og: { ...summary?.og, code: error.code, request_id: this.context.requestId } } });
  }

  /** Clients count parsed events, not comments, against their idle deadline (api-conventions 70). */
  heartbeat(): string {
    return this.memory.started ? this.event('response.in_progress', { response: this.envelope('in_progress') }) : this.start();
  }

  private note(event: ChatEvent): void {
    if (event.type === 'finish' && event.choice === 0) this.ended = { finish: event.reason, rawFinish: event.raw };
  }

  private canonical(event: ChatEvent): string {
    if (event.type === 'start') return this.start();
    if (!('choice' in event) || event.choice !== 0) return '';
    const started = this.start();
    return started + this.writer.write(event);
  }

  private nativeFrame(raw: JsonObject, item: StreamItem): string {
    const type = String(raw['type']);
    if (type === 'response.created' || type === 'response.in_progress') return this.beginNative(type, raw);
    const patched = this.native.patch(raw, item.events);
    if (patched === null) return '';
    const started = this.start();
    const sequence = this.memory.sequence;
    if (patched === raw && raw['sequence_number'] === sequence && item.rawText !== undefined) {
      this.memory.sequence += 1;
      return started + encodeSse(item.rawText, type);
    }
    const { type: _type, sequence_number: _number, ...members } = patched;
    return started + this.event(type, members);
  }

  /** The upstream's own beginning, unless a heartbeat was it already. */
  private beginNative(type: string, raw: JsonObject): string {
    if (this.memory.started && type === 'response.created') return '';
    this.memory.started = true;
    const response = isObject(raw['response']) ? raw['response'] : {};
    return this.event(type, { response: this.native.identified(response) });
  }

  private start(): string {
    if (this.memory.started) return '';
    this.memory.started = true;
    const response = this.envelope('in_progress');
    return this.event('response.created', { response }) + this.event('response.in_progress', { response });
  }

  private envelope(status: string): JsonObject {
    return envelope(this.context, status, this.writer.output);
  }

  private event(type: string, members: JsonObject): string {
    const sequence = this.memory.sequence;
    this.memory.sequence += 1;
    return encodeSse(JSON.stringify({ type, ...members, sequence_number: sequence }), type);
  }
}
