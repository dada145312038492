import type { ChatEvent } from '../core/chat/event.js';
import { estimateTokens } from '../core/chat/estimate-tokens.js';
import type { FinishReason } from '../core/chat/response.js';
import { NO_USAGE, type Usage } from '../core/chat/usage.js';
import { unknownUsageFields } from '../core/chat/usage-drift.js';

/**
 * One pass over the events of the attempt that answers: first token, provider's usage, finish reasons, and our own
 * estimate of what was generated (for ends without usage). Never looks back, keeps no text.
 */
export class Meter {
  firstContentAtMs: number | undefined;
  /** The provider's usage, the last cumulative one. */
  usage: Usage | undefined;
  upstreamId: string | undefined;
  contentChars = 0;
  readonly drift: string[] = [];
  private readonly finishes = new Map<number, { reason: FinishReason; raw: string | null }>();
  private outputEstimate = 0;
  private reasoningEstimate = 0;

  constructor(private readonly promptEstimate: number) {}

  observe(event: ChatEvent, nowMs: number): void {
    switch (event.type) {
      case 'text-delta':
      case 'refusal-delta':
        this.outputEstimate += this.content(event.text, nowMs);
        return;
      case 'reasoning-delta':
        this.reasoningEstimate += this.content(event.text, nowMs);
        return;
      case 'tool-call-start':
        this.outputEstimate += this.content(event.name, nowMs);
        return;
      case 'tool-call-delta':
        this.outputEstimate += this.content(event.argumentsText, nowMs);
        return;
      case 'audio-delta':
      case 'image':
      case 'opaque':
        this.content('', nowMs);
        return;
      default:
        this.note(event);
    }
  }

  get finished(): boolean {
    return this.finishes.size > 0;
  }

  get finish(): { reason: FinishReason; raw: string | null } | undefined {
    return this.finishes.get(0) ?? this.finishes.values().next().value;
  }

  /** Without reasoning, which not every provider counts into a maximum. */
  get estimatedVisibleTokens(): number {
    return this.outputEstimate;
  }

  get estimatedOutputTokens(): number {
    return Math.ceil(this.outputEstimate + this.reasoningEstimate);
  }

  /** What the client has received, by our own estimate: the prompt and `share` (0–1) of the answer. */
  delivered(share: number): Usage {
    return {
      ...NO_USAGE,
      input: this.promptEstimate,
      output: Math.floor(this.outputEstimate * share),
      reasoning: Math.floor(this.reasoningEstimate * share),
    };
  }

  private content(text: string, nowMs: number): number {
    this.firstContentAtMs ??= nowMs;
    this.contentChars += text.length;
    return estimateTokens(text);
  }

  private note(event: ChatEvent): void {
    if (event.type === 'start') this.upstreamId ??= event.upstreamId;
    else if (event.type === 'usage') this.counts(event);
    else if (event.type === 'finish') this.finishes.set(event.choice, { reason: event.reason, raw: event.raw });
    else if (event.type === 'drift') this.surprise(event.what);
  }

  /** Some providers repeat their usage in every frame: each surprise is counted once per answer. */
  private counts(event: Extract<ChatEvent, { type: 'usage' }>): void {
    this.usage = event.usage ?? this.usage;
    if (event.usage === undefined) this.surprise('usage:not_believable');
    for (const name of unknownUsageFields(event.raw)) this.surprise(`usage:${name}`);
  }

  private surprise(what: string): void {
    if (this.drift.length < MAX_DRIFT && !this.drift.includes(what)) this.drift.push(what);
  }
}

const MAX_DRIFT = 20;
