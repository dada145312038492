import type { JsonObject } from '../../json/index.js';

/** Renders one event: its type and its members but for `type` and `sequence_number`. */
export type Emit = (type: string, members: JsonObject) => string;

/** Where an item stands. */
export interface Place {
  id: string;
  index: number;
  emit: Emit;
}

/** One item of the output being written; `close` says everything that is still open of it and returns the whole item by `done`. */
export interface OpenItem {
  close(): string;
}

const added = ({ emit, index }: Place, item: JsonObject): string => emit('response.output_item.added', { output_index: index, item });
export const done = ({ emit, index }: Place, item: JsonObject): string => emit('response.output_item.done', { output_index: index, item });

type Keep = (item: JsonObject) => void;

/** A message: its parts come one after the other, a text or a refusal. */
export class OpenMessage implements OpenItem {
  private readonly content: JsonObject[] = [];
  private part: JsonObject | null = null;

  constructor(
    private readonly place: Place,
    private readonly keep: Keep,
  ) {}

  begin(): string {
    return added(this.place, { id: this.place.id, type: 'message', status: 'in_progress', role: 'assistant', content: [] });
  }

  write(kind: 'text' | 'refusal', delta: string): string {
    const type = kind === 'text' ? 'output_text' : 'refusal';
    const opened = this.part?.['type'] === type ? '' : this.closePart() + this.openPart(type);
    const part = this.part as JsonObject;
    part[kind] = `${String(part[kind])}${delta}`;
    const more = kind === 'text' ? { logprobs: [] } : {};
    return opened + this.event(`response.${type}.delta`, { delta, ...more });
  }

  annotate(annotations: readonly unknown[]): string {
    const opened = this.part?.['type'] === 'output_text' ? '' : this.closePart() + this.openPart('output_text');
    const known = (this.part as JsonObject)['annotations'] as unknown[];
    const events = annotations.map((annotation) => {
      known.push(annotation);
      return this.event('response.output_text.annotation.added', { annotation_index: known.length - 1, annotation });
    });
    return opened + events.join('');
  }

  /** Entries for the text so far; they arrive beside it, or at the end. */
  addLogprobs(entries: readonly unknown[]): void {
    if (this.part?.['type'] === 'output_text') (this.part['logprobs'] as unknown[]).push(...entries);
  }

  close(): string {
    const closed = this.closePart();
    const item = { id: this.place.id, type: 'message', status: 'completed', role: 'assistant', content: this.content };
    this.keep(item);
    return closed + done(this.place, item);
  }

  private openPart(type: 'output_text' | 'refusal'): string {
    this.part = type === 'output_text' ? { type, text: '', annotations: [], logprobs: [] } : { type, refusal: '' };
    const empty = type === 'output_text' ? { type, text: '', annotations: [], logprobs: [] } : { type, refusal: '' };
    this.content.push(this.part);
    return this.event('response.content_part.added', { part: empty });
  }

  private closePart(): string {
    const part = this.part;
    if (part === null) return '';
    const said =
      part['type'] === 'output_text'
        ? this.event('response.output_text.done', { text: part['text'], logprobs: part['logprobs'] })
        : this.event('response.refusal.done', { refusal: part['refusal'] });
    const closed = this.event('response.content_part.done', { part });
    this.part = null;
    return said + closed;
  }

  private event(type: string, members: JsonObject): string {
    const { id, index, emit } = this.place;
    return emit(type, { item_id: id, output_index: index, content_index: Math.max(0, this.content.length - 1), ...members });
  }
}

/** A thought, shown as a summary of one part; its proof comes with its end. */
export class OpenReasoning implements OpenItem {
  private text = '';
  private encrypted: string | undefined;

  constructor(
    private readonly place: Place,
    private readonly keep: Keep,
  ) {}

  begin(): string {
    return added(this.place, { id: this.place.id, type: 'reasoning', summary: [] });
  }

  write(delta: string): string {
    const opened = this.text === '' ? this.event('response.reasoning_summary_part.added', { part: { type: 'summary_text', text: '' } }) : '';
    this.text += delta;
    return opened + this.event('response.reasoning_summary_text.delta', { delta });
  }

  prove(encrypted: string | undefined): void {
    this.encrypted = encrypted;
  }

  close(): string {
    const part = { type: 'summary_text', text: this.text };
    const item = {
      id: this.place.id,
      type: 'reasoning',
      summary: this.text === '' ? [] : [part],
      ...(this.encrypted === undefined ? {} : { encrypted_content: this.encrypted }),
    };
    this.keep(item);
    if (this.text === '') return done(this.place, item);
    const said = this.event('response.reasoning_summary_text.done', { text: this.text }) + this.event('response.reasoning_summary_part.done', { part });
    return said + done(this.place, item);
  }

  private event(type: string, members: JsonObject): string {
    const { id, index, emit } = this.place;
    return emit(type, { item_id: id, output_index: index, summary_index: 0, ...members });
  }
}
