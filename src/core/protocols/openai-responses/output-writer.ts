import type { ChatEvent } from '../../chat/event.js';
import type { MediaSource } from '../../chat/message.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { RenderContext } from '../protocol.js';
import { packCallSignature, packProof } from './foreign-proof.js';
import { OpenCall } from './open-call.js';
import { done, OpenMessage, OpenReasoning, type Emit, type OpenItem, type Place } from './open-items.js';
import { objectsOf, PROTOCOL, text } from './types.js';

/**
 * Canonical content → items with contiguous output indexes, each begun and ended once. A message and a thought are open one at
 * a time; tool calls stay open until something else is said, because their fragments may interleave.
 */
export class OutputWriter {
  /** Items by output index; those that are open are missing yet. */
  private readonly items: JsonObject[] = [];
  private itemCount = 0;
  private open: OpenMessage | OpenReasoning | null = null;
  private readonly calls = new Map<number, OpenCall>();
  private readonly customNames: ReadonlySet<string>;
  private readonly idStem: string;
  private readonly showsReasoning: boolean;

  constructor(
    context: RenderContext,
    private readonly emit: Emit,
  ) {
    const custom = objectsOf(context.echo?.['tools']).filter((tool) => tool['type'] === 'custom');
    this.customNames = new Set(custom.map((tool) => text(tool['name'])));
    this.idStem = `og${context.responseId.replace(/^resp_/, '').replace(/[^A-Za-z0-9]/g, '')}`;
    this.showsReasoning = context.reasoningField !== 'none';
  }

  get output(): JsonObject[] {
    return this.items.filter((item) => item !== undefined);
  }

  write(event: ChatEvent): string {
    switch (event.type) {
      case 'text-delta':
        return this.into('message', (message) => message.write('text', event.text));
      case 'refusal-delta':
        return this.into('message', (message) => message.write('refusal', event.text));
      case 'reasoning-delta':
        return this.showsReasoning ? this.into('reasoning', (reasoning) => reasoning.write(event.text)) : '';
      case 'reasoning-end':
        return this.endReasoning(event);
      case 'tool-call-start':
        return this.startCall(event);
      case 'tool-call-delta':
        return this.calls.get(event.index)?.write(event.argumentsText) ?? '';
      default:
        return this.rare(event);
    }
  }

  closeAll(): string {
    return this.closeOpen() + this.closeCalls();
  }

  private rare(event: ChatEvent): string {
    switch (event.type) {
      case 'annotations':
        return this.into('message', (message) => message.annotate(event.value));
      case 'logprobs':
        return this.logprobs(event.value);
      case 'image':
        return this.image(event.source);
      case 'opaque':
        return event.protocol === PROTOCOL && isObject(event.value) ? this.whole(event.value) : '';
      case 'audio-delta':
        return this.transcript(text(event.value['transcript']));
      default:
        return '';
    }
  }

  private logprobs(value: unknown): string {
    if (this.open instanceof OpenMessage && isObject(value)) this.open.addLogprobs(objectsOf(value['content']));
    return '';
  }

  /** Sound has no place in this protocol; its words have. */
  private transcript(words: string): string {
    return words === '' ? '' : this.into('message', (message) => message.write('text', words));
  }

  private into(kind: 'message', write: (item: OpenMessage) => string): string;
  private into(kind: 'reasoning', write: (item: OpenReasoning) => string): string;
  private into(kind: 'message' | 'reasoning', write: ((item: OpenMessage) => string) | ((item: OpenReasoning) => string)): string {
    const known = this.open instanceof (kind === 'message' ? OpenMessage : OpenReasoning) ? this.open : null;
    if (known !== null) return (write as (item: OpenItem) => string)(known);
    const closed = this.closeAll();
    const place = this.place(kind === 'message' ? 'msg' : 'rs');
    const item = kind === 'message' ? new OpenMessage(place, this.keeper(place)) : new OpenReasoning(place, this.keeper(place));
    this.open = item;
    return closed + item.begin() + (write as (item: OpenItem) => string)(item);
  }

  private endReasoning(event: Extract<ChatEvent, { type: 'reasoning-end' }>): string {
    const proof = packProof(event);
    if (proof === undefined && !(this.open instanceof OpenReasoning)) return '';
    const written = this.into('reasoning', (reasoning) => {
      reasoning.prove(proof);
      return '';
    });
    return written + this.closeOpen();
  }

  private startCall(event: Extract<ChatEvent, { type: 'tool-call-start' }>): string {
    const before = this.closeOpen() + (event.signature === undefined ? '' : this.callProof(event.signature));
    const custom = event.kind === 'custom';
    const place = this.place(custom ? 'ctc' : 'fc');
    const kind = custom ? 'custom' : this.customNames.has(event.name) ? 'emulated' : 'function';
    const call = new OpenCall(place, { id: event.id, name: event.name, kind }, this.keeper(place));
    this.calls.set(event.index, call);
    return before + call.begin();
  }

  /** Gemini's signature of a call has no place in the call itself that every client would replay. */
  private callProof(signature: string): string {
    const place = this.place('rs');
    return this.finished(place, { id: place.id, type: 'reasoning', summary: [], encrypted_content: packCallSignature(signature) });
  }

  private image(source: MediaSource): string {
    if (source.kind !== 'inline') return '';
    const place = this.place('ig');
    return this.closeAll() + this.finished(place, { id: place.id, type: 'image_generation_call', status: 'completed', result: source.data });
  }

  private whole(item: JsonObject): string {
    const closed = this.closeAll();
    return closed + this.finished(this.place('item'), item);
  }

  private finished(place: Place, item: JsonObject): string {
    this.items[place.index] = item;
    return this.emit('response.output_item.added', { output_index: place.index, item }) + done(place, item);
  }

  private place(prefix: string): Place {
    const index = this.itemCount;
    this.itemCount += 1;
    return { id: `${prefix}_${this.idStem}x${index}`, index, emit: this.emit };
  }

  private keeper({ index }: Place): (item: JsonObject) => void {
    return (item) => {
      this.items[index] = item;
    };
  }

  private closeOpen(): string {
    const { open } = this;
    this.open = null;
    return open?.close() ?? '';
  }

  private closeCalls(): string {
    const closed = [...this.calls.values()].map((call) => call.close()).join('');
    this.calls.clear();
    return closed;
  }
}
