import type { ChatEvent } from '../core/chat/event.js';
import { estimateTokens } from '../core/chat/estimate-tokens.js';
import { eventsOfResponse } from '../core/chat/events-of-response.js';
import type { ChatResponse, Choice, FinishReason } from '../core/chat/response.js';
import { NO_USAGE, type Usage } from '../core/chat/usage.js';
import { unknownUsageFields } from '../core/chat/usage-drift.js';

interface Finish {
  reason: FinishReason;
  raw: string | null;
}

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
  /** Of the first choice, and of whichever other one ended first. */
  private firstFinish: Finish | undefined;
  private otherFinish: (Finish & { choice: number }) | undefined;
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

  /** A whole answer comes to what its events would come to, one by one. */
  observeWhole(response: ChatResponse, nowMs: number): void {
    const text = onlyText(response.choices);
    if (text === null) {
      for (const event of eventsOfResponse(response)) this.observe(event, nowMs);
      return;
    }
    const { finish, rawFinish } = response.choices[0] as Choice;
    this.upstreamId ??= response.upstreamId;
    for (const what of response.drift) this.surprise(what);
    this.outputEstimate += this.content(text, nowMs);
    this.firstFinish = { reason: finish, raw: rawFinish };
    if (response.usage !== undefined || response.rawUsage !== undefined) this.counts(response.usage, response.rawUsage);
  }

  get finished(): boolean {
    return this.firstFinish !== undefined || this.otherFinish !== undefined;
  }

  get finish(): Finish | undefined {
    return this.firstFinish ?? this.otherFinish;
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
    else if (event.type === 'usage') this.counts(event.usage, event.raw);
    else if (event.type === 'finish') this.noteFinish(event);
    else if (event.type === 'drift') this.surprise(event.what);
  }

  /** Some providers repeat their usage in every frame: each surprise is counted once per answer. */
  private counts(usage: Usage | undefined, raw: unknown): void {
    this.usage = usage ?? this.usage;
    if (usage === undefined) this.surprise('usage:not_believable');
    for (const name of unknownUsageFields(raw)) this.surprise(`usage:${name}`);
  }

  private noteFinish({ choice, reason, raw }: Extract<ChatEvent, { type: 'finish' }>): void {
    if (choice === 0) this.firstFinish = { reason, raw };
    else if (this.otherFinish === undefined || this.otherFinish.choice === choice) this.otherFinish = { reason, raw, choice };
  }

  private surprise(what: string): void {
    if (this.drift.length < MAX_DRIFT && !this.drift.includes(what)) this.drift.push(what);
  }
}

const MAX_DRIFT = 20;

/** The text of an answer that is one choice with one text; null for every other one. */
function onlyText(choices: readonly Choice[]): string | null {
  const parts = choices.length === 1 && choices[0]?.index === 0 ? choices[0].parts : null;
  const part = parts !== null && parts.length === 1 ? parts[0] : undefined;
  return part?.type === 'text' && part.text !== '' ? part.text : null;
}
