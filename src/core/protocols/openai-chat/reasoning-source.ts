import type { ChatEvent } from '../../chat/event.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ReasoningAt } from '../dialect.js';
import { textsOf } from './parse-content.js';
import { detailPart } from './reasoning-history.js';

type Emit = (event: ChatEvent) => void;

/** Where reasoning is looked for when the dialect is silent. */
export const DEFAULT_REASONING_AT: readonly ReasoningAt[] = ['reasoning_content', 'reasoning', 'reasoning_text', 'reasoning_details', 'content_parts'];

/**
 * One choice's reasoning: the first field that has text is read, and from then on only that one, because providers send the
 * same thought under several names (OpenRouter: `reasoning` and `reasoning_details`). Signatures and encrypted thoughts
 * stand in `reasoning_details` whichever field has the text.
 */
export class ReasoningSource {
  private chosen: ReasoningAt | undefined;

  constructor(
    private readonly choice: number,
    private readonly at: readonly ReasoningAt[],
  ) {}

  read(delta: JsonObject, emit: Emit): void {
    const text = this.text(delta);
    if (text !== '') emit({ type: 'reasoning-delta', choice: this.choice, text });
    const details = delta['reasoning_details'];
    if (Array.isArray(details)) this.proofs(details, emit);
  }

  /** Content parts are read where the content is, in their order; true when reasoning is taken from there. */
  takesContentParts(): boolean {
    if (this.chosen === undefined && this.at.includes('content_parts')) this.chosen = 'content_parts';
    return this.chosen === 'content_parts';
  }

  private text(delta: JsonObject): string {
    if (this.chosen !== undefined) return textAt(delta, this.chosen);
    for (const place of this.at) {
      const text = textAt(delta, place);
      if (text === '') continue;
      this.chosen = place;
      return text;
    }
    return '';
  }

  private proofs(details: readonly unknown[], emit: Emit): void {
    for (const detail of details) {
      const part = isObject(detail) ? detailPart(detail) : null;
      if (part === null || (part.signature === undefined && part.encrypted === undefined)) continue;
      const { signature, encrypted, id } = part;
      emit({ type: 'reasoning-end', choice: this.choice, signature, encrypted, id, origin: part.origin ?? '' });
    }
  }
}

function textAt(delta: JsonObject, place: ReasoningAt): string {
  if (place === 'content_parts' || place === 'think_tags') return '';
  const value = delta[place];
  if (typeof value === 'string') return value;
  if (place !== 'reasoning_details' || !Array.isArray(value)) return '';
  return (value as unknown[]).map((detail) => (isObject(detail) ? (detailPart(detail)?.text ?? '') : '')).join('');
}

/** Mistral's `{type: 'thinking', thinking: [{type: 'text', text}]}`, Databricks' `{type: 'reasoning', summary: [{type: 'summary_text', text}]}`. */
export function thinkingText(part: JsonObject): string {
  return typeof part['thinking'] === 'string' ? part['thinking'] : textsOf(part['thinking'] ?? part['summary']);
}
