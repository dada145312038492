import type { ChatEvent, StreamItem } from '../../chat/event.js';
import type { GatewayError } from '../../errors/gateway-error.js';
import type { JsonObject } from '../../json/index.js';
import type { AnswerSummary, RenderContext, StreamRenderer } from '../protocol.js';
import { NativeFrames, plainTextChoice } from './native-frame.js';
import { DeltaRenderer, type RenderedChoice } from './render-delta.js';
import { renderError } from '../shared-openai/index.js';
import { usageText } from './write-usage.js';
import { renderUsage } from './usage.js';

const HEARTBEAT = ': keep-alive\n\n';

interface TextFrame {
  choice: number;
  before: string;
  after: string;
}

/** Canonical items → chat.completion.chunk frames: one id, one `created`, the role once per choice, `[DONE]` after a real end only. */
export class OpenAiStreamRenderer implements StreamRenderer {
  private readonly deltas: DeltaRenderer;
  private readonly frames: NativeFrames;
  private readonly spoken = new Set<number>();
  private lastSpoken: number | undefined;
  private head: string;
  private readonly tail: string;
  private frame: TextFrame | undefined;

  constructor(private readonly context: RenderContext) {
    this.deltas = new DeltaRenderer(context.reasoningField);
    this.frames = new NativeFrames(context);
    this.head = headOf(context, {});
    this.tail = context.includeUsage ? '],"usage":null}\n\n' : ']}\n\n';
  }

  render(item: StreamItem, native: boolean): string {
    const { events } = item;
    const choice = plainTextChoice(events);
    if (native && this.hasSpoken(choice)) {
      const text = this.frames.byShape(item);
      if (text !== null) return text;
    }
    if (native && item.raw !== undefined) return this.native(item, choice);
    if (this.hasSpoken(choice)) return this.text(choice, item);
    return this.chunk(events);
  }

  finish(summary: AnswerSummary): string {
    const done = 'data: [DONE]\n\n';
    if (!this.context.includeUsage) return done;
    const og = summary.og === undefined ? '' : `,"og":${JSON.stringify(summary.og)}`;
    return `${this.head}],"usage":${usageText(summary)}${og}}\n\n${done}`;
  }

  fail(error: GatewayError, summary?: AnswerSummary): string {
    const body: JsonObject = { ...renderError(error, this.context.requestId), choices: [{ index: 0, delta: {}, finish_reason: 'error' }] };
    if (summary !== undefined) body['usage'] = renderUsage(summary);
    if (summary?.og !== undefined) body['og'] = summary.og;
    return `data: ${JSON.stringify(body)}\n\n`;
  }

  heartbeat(): string {
    return HEARTBEAT;
  }

  private native(item: StreamItem, choice: number | null): string {
    if (this.hasSpoken(choice)) {
      const text = this.frames.byTemplate(item);
      if (text !== null) return text;
    }
    const choices = this.deltas.render(item.events);
    // A frame that only says what the client already knows (a second role, usage alone) is passed on when it has a choice.
    return this.frames.byObject(item, choices, (index) => this.roleOf(index));
  }

  /** The upstream's own JSON text of the delta serves where it is known. */
  private text(choice: number, { varying, events }: StreamItem): string {
    const content = varying ?? JSON.stringify((events[0] as { text: string }).text).slice(1, -1);
    const { before, after } = this.frameOf(choice);
    return `${before}${content}${after}`;
  }

  /** What stands around a text: made once, because it is the same for every event, and what is put together of few pieces is sent sooner. */
  private frameOf(choice: number): TextFrame {
    if (this.frame?.choice === choice) return this.frame;
    this.frame = {
      choice,
      before: `${this.head}{"index":${choice},"delta":{"content":"`,
      after: `"},"logprobs":null,"finish_reason":null}${this.tail}`,
    };
    return this.frame;
  }

  private chunk(events: readonly ChatEvent[]): string {
    if (saysNothing(events)) return '';
    this.noteStart(events);
    const choices: JsonObject[] = [];
    for (const [index, rendered] of this.deltas.render(events)) {
      if (rendered.says) choices.push(this.choice(index, rendered));
    }
    return choices.length === 0 ? '' : `${this.head}${JSON.stringify(choices).slice(1, -1)}${this.tail}`;
  }

  private choice(index: number, { delta, logprobs, finish }: RenderedChoice): JsonObject {
    return { index, delta: { ...this.firstDelta(index, delta), ...delta }, logprobs, finish_reason: finish };
  }

  /** OpenAI's own first delta has the role, and a content even when none follows. */
  private firstDelta(index: number, delta: JsonObject): JsonObject {
    const role = this.roleOf(index);
    if (role['role'] === undefined || delta['content'] !== undefined) return role;
    return { ...role, content: delta['tool_calls'] === undefined ? '' : null };
  }

  private roleOf(index: number): JsonObject {
    if (this.spoken.has(index)) return {};
    this.spoken.add(index);
    this.lastSpoken = index;
    return { role: 'assistant' };
  }

  /** Mostly there is one choice. */
  private hasSpoken(choice: number | null): choice is number {
    return choice !== null && (choice === this.lastSpoken || this.spoken.has(choice));
  }

  private noteStart(events: readonly ChatEvent[]): void {
    const [start] = events;
    if (start?.type !== 'start') return;
    const { serviceTier, systemFingerprint } = start;
    if (serviceTier === undefined && systemFingerprint === undefined) return;
    this.head = headOf(this.context, { service_tier: serviceTier, system_fingerprint: systemFingerprint });
    this.frame = undefined;
  }
}

/** Usage alone, which Gemini states again and again, is no chunk. */
function saysNothing(events: readonly ChatEvent[]): boolean {
  return events.length === 1 && events[0]?.type === 'usage';
}

function headOf({ responseId, createdS, model }: RenderContext, more: JsonObject): string {
  const head = JSON.stringify({ id: responseId, object: 'chat.completion.chunk', created: createdS, model, ...more });
  return `data: ${head.slice(0, -1)},"choices":[`;
}
