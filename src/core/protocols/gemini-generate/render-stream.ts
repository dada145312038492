import type { ChatEvent, StreamItem } from '../../chat/event.js';
import type { GatewayError } from '../../errors/gateway-error.js';
import type { AnswerSummary, RenderContext, StreamRenderer } from '../protocol.js';
import { renderFinish } from './finish-reason.js';
import { renderError } from './render-error.js';
import { renderFunctionCall } from './render-response.js';
import { summaryUsage } from './render-usage.js';
import { GEMINI, isWire, put, type Wire } from './wire.js';

interface OpenCall {
  id: string;
  name: string;
  arguments: string;
  signature?: string;
}

interface Candidate {
  calls: Map<number, OpenCall>;
  finish: string | null;
}

/**
 * Canonical items as Gemini's SSE frames. A function call is one whole part, so its fragments are gathered; the finish reasons stand in the
 * last frame together with the usage, as Gemini sends them.
 */
export class GeminiStreamRenderer implements StreamRenderer {
  private readonly candidates = new Map<number, Candidate>();
  /** Native lane: the frame that may be the last, waiting for the usage in force. */
  private held: Wire | null = null;

  constructor(private readonly context: RenderContext) {}

  render(item: StreamItem, native: boolean): string {
    if (native && item.raw !== undefined) return this.renderNative(item.raw);
    return item.events.map((event) => this.renderEvent(event)).join('');
  }

  finish(summary: AnswerSummary): string {
    if (this.held !== null) return this.last(this.held, summary);
    const open = [...this.candidates].map(([index]) => this.flush(index)).join('');
    const candidates = [...this.candidates].map(([index, candidate]) => ({
      content: { parts: [{ text: '' }], role: 'model' },
      finishReason: candidate.finish ?? 'OTHER',
      index,
    }));
    return open + this.last({ candidates }, summary);
  }

  fail(error: GatewayError, summary?: AnswerSummary): string {
    const held = this.held === null ? '' : frame(this.held);
    this.held = null;
    const wire: Wire = { ...renderError(error, this.context.requestId) };
    if (summary !== undefined) wire['usageMetadata'] = summaryUsage(summary);
    return held + frame(wire);
  }

  heartbeat(): string {
    return ': heartbeat\r\n\r\n';
  }

  private renderNative(raw: Wire): string {
    const before = this.held === null ? '' : frame(this.held);
    const patched: Wire = { ...raw, modelVersion: this.context.model, responseId: this.context.responseId };
    const final = Array.isArray(raw['candidates']) && raw['candidates'].some((candidate) => isWire(candidate) && candidate['finishReason'] !== undefined);
    this.held = final || raw['promptFeedback'] !== undefined ? patched : null;
    return this.held === null ? before + frame(patched) : before;
  }

  private last(wire: Wire, summary: AnswerSummary): string {
    this.held = null;
    const last: Wire = {
      ...wire,
      usageMetadata: summaryUsage(summary, wire['usageMetadata']),
      modelVersion: this.context.model,
      responseId: this.context.responseId,
    };
    put(last, 'og', summary.og);
    return frame(last);
  }

  private renderEvent(event: ChatEvent): string {
    switch (event.type) {
      case 'tool-call-start':
      case 'tool-call-delta':
        return this.toolCall(event);
      case 'finish':
        return this.finished(event);
      default: {
        const part = partOf(event);
        return part === null ? '' : this.content((event as { choice: number }).choice, part);
      }
    }
  }

  private toolCall(event: Extract<ChatEvent, { type: 'tool-call-start' | 'tool-call-delta' }>): string {
    const candidate = this.candidate(event.choice);
    if (event.type === 'tool-call-delta') {
      const call = candidate.calls.get(event.index);
      if (call !== undefined) call.arguments += event.argumentsText;
      return '';
    }
    const call: OpenCall = { id: event.id, name: event.name, arguments: '' };
    if (event.signature !== undefined) call.signature = event.signature;
    candidate.calls.set(event.index, call);
    return '';
  }

  private finished(event: Extract<ChatEvent, { type: 'finish' }>): string {
    const flushed = this.flush(event.choice);
    this.candidate(event.choice).finish = renderFinish(event.reason, event.raw);
    return flushed;
  }

  private content(choice: number, part: Wire): string {
    this.candidate(choice);
    return this.flush(choice) + this.parts(choice, [part]);
  }

  /** The calls gathered so far, complete now that something else follows. */
  private flush(choice: number): string {
    const { calls } = this.candidate(choice);
    if (calls.size === 0) return '';
    const parts = [...calls.values()].map(renderFunctionCall);
    calls.clear();
    return this.parts(choice, parts);
  }

  private parts(choice: number, parts: Wire[]): string {
    return frame({ candidates: [{ content: { parts, role: 'model' }, index: choice }], modelVersion: this.context.model, responseId: this.context.responseId });
  }

  private candidate(choice: number): Candidate {
    const known = this.candidates.get(choice);
    if (known !== undefined) return known;
    const candidate: Candidate = { calls: new Map(), finish: null };
    this.candidates.set(choice, candidate);
    return candidate;
  }
}

/** The part that says an event; null when Gemini's clients have no ear for it. */
function partOf(event: ChatEvent): Wire | null {
  switch (event.type) {
    case 'text-delta':
    case 'refusal-delta':
      return { text: event.text };
    case 'reasoning-delta':
      return { text: event.text, thought: true };
    case 'reasoning-end':
      return event.origin === GEMINI && event.signature !== undefined ? { text: '', thoughtSignature: event.signature } : null;
    case 'opaque':
      return event.protocol === GEMINI && isWire(event.value) ? event.value : null;
    default:
      return mediaPartOf(event);
  }
}

function mediaPartOf(event: ChatEvent): Wire | null {
  if (event.type === 'image' && event.source.kind === 'inline') return { inlineData: { mimeType: event.source.mediaType, data: event.source.data } };
  if (event.type !== 'audio-delta' || typeof event.value['data'] !== 'string') return null;
  return { inlineData: { mimeType: event.value['mime_type'] ?? 'audio/L16;codec=pcm;rate=24000', data: event.value['data'] } };
}

function frame(wire: Wire): string {
  return `data: ${JSON.stringify(wire)}\r\n\r\n`;
}
