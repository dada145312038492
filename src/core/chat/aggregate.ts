import type { UpstreamFailure } from '../errors/upstream-failure.js';
import type { ChatEvent, StreamItem } from './event.js';
import type { Part, ReasoningPart, ToolCallPart } from './message.js';
import type { ChatResponse, Choice } from './response.js';

interface OpenChoice {
  choice: Choice;
  calls: Map<number, ToolCallPart>;
  reasoning: ReasoningPart | undefined;
}

/** Collects a stream into the answer it would have been in one piece. */
export class ResponseAggregator {
  /** Set when the stream reported an error or was cut: `response` is then a fragment. */
  failure: UpstreamFailure | undefined;
  private readonly open = new Map<number, OpenChoice>();
  private readonly head: Omit<ChatResponse, 'choices'> = { drift: [], extra: {} };

  add(item: StreamItem): void {
    for (const event of item.events) this.event(event);
  }

  response(): ChatResponse {
    const choices = [...this.open.values()].map(({ choice }) => choice).sort((a, b) => a.index - b.index);
    const usageProblem = this.head.usage !== undefined ? undefined : (this.head.usageProblem ?? 'missing');
    return { ...this.head, ...(usageProblem === undefined ? {} : { usageProblem }), choices };
  }

  private event(event: ChatEvent): void {
    switch (event.type) {
      case 'text-delta':
        return this.text(event.choice, event.text);
      case 'reasoning-delta':
      case 'reasoning-end':
        return this.reasoning(event);
      case 'tool-call-start':
      case 'tool-call-delta':
        return this.toolCall(event);
      case 'finish':
        return this.finish(event);
      case 'start':
        return this.start(event);
      case 'usage':
        return this.usage(event);
      case 'error':
        this.failure = event.failure;
        return;
      case 'drift':
        this.head.drift.push(event.what);
        return;
      default:
        return this.rest(event);
    }
  }

  private rest(event: ChatEvent): void {
    switch (event.type) {
      case 'refusal-delta':
        return this.refusal(event.choice, event.text);
      case 'annotations':
        return this.annotations(event.choice, event.value);
      case 'logprobs':
        return this.logprobs(event.choice, event.value);
      case 'audio-delta':
        return this.audio(event.choice, event.value);
      case 'image':
        this.of(event.choice).choice.parts.push({ type: 'image', source: event.source });
        return;
      case 'opaque':
        this.of(event.choice).choice.parts.push({ type: 'opaque', protocol: event.protocol, value: event.value });
        return;
      default:
        return;
    }
  }

  private of(index: number): OpenChoice {
    let open = this.open.get(index);
    if (open === undefined) {
      open = { choice: { index, parts: [], finish: 'stop', rawFinish: null }, calls: new Map(), reasoning: undefined };
      this.open.set(index, open);
    }
    return open;
  }

  private text(index: number, text: string): void {
    const { parts } = this.of(index).choice;
    const last = parts.at(-1);
    if (last?.type === 'text') last.text += text;
    else parts.push({ type: 'text', text });
  }

  private refusal(index: number, text: string): void {
    const { parts } = this.of(index).choice;
    const known = parts.find((part) => part.type === 'refusal');
    if (known?.type === 'refusal') known.text += text;
    else parts.push({ type: 'refusal', text });
  }

  private reasoning(event: Extract<ChatEvent, { type: 'reasoning-delta' | 'reasoning-end' }>): void {
    const open = this.of(event.choice);
    if (open.reasoning === undefined) {
      open.reasoning = { type: 'reasoning', text: '' };
      open.choice.parts.push(open.reasoning);
    }
    const part = open.reasoning;
    if (event.type === 'reasoning-delta') {
      part.text += event.text;
      return;
    }
    if (event.origin !== '') part.origin = event.origin;
    if (event.signature !== undefined) part.signature = event.signature;
    if (event.encrypted !== undefined) part.encrypted = event.encrypted;
    if (event.id !== undefined) part.id = event.id;
    open.reasoning = undefined;
  }

  private toolCall(event: Extract<ChatEvent, { type: 'tool-call-start' | 'tool-call-delta' }>): void {
    const open = this.of(event.choice);
    const known = open.calls.get(event.index);
    if (event.type === 'tool-call-delta') {
      if (known !== undefined) known.arguments += event.argumentsText;
      return;
    }
    if (known !== undefined) return;
    const part: ToolCallPart = { type: 'tool-call', id: event.id, name: event.name, arguments: '' };
    if (event.signature !== undefined) part.signature = event.signature;
    if (event.kind !== undefined) part.kind = event.kind;
    open.calls.set(event.index, part);
    open.choice.parts.push(part);
  }

  private finish(event: Extract<ChatEvent, { type: 'finish' }>): void {
    const { choice } = this.of(event.choice);
    choice.finish = event.reason;
    choice.rawFinish = event.raw;
    if (event.stopSequence !== undefined) choice.stopSequence = event.stopSequence;
  }

  private start(event: Extract<ChatEvent, { type: 'start' }>): void {
    const { type: _type, ...head } = event;
    for (const [key, value] of Object.entries(head)) if (value !== undefined) Object.assign(this.head, { [key]: value });
  }

  private usage(event: Extract<ChatEvent, { type: 'usage' }>): void {
    this.head.rawUsage = event.raw;
    if (event.usage === undefined) this.head.usageProblem = 'invalid';
    else this.head.usage = event.usage;
  }

  private annotations(index: number, value: readonly unknown[]): void {
    const { parts } = this.of(index).choice;
    let part = parts.findLast((candidate): candidate is Extract<Part, { type: 'text' }> => candidate.type === 'text');
    if (part === undefined) {
      part = { type: 'text', text: '' };
      parts.push(part);
    }
    part.annotations = [...(part.annotations ?? []), ...value];
  }

  private logprobs(index: number, value: unknown): void {
    const { choice } = this.of(index);
    choice.logprobs = joinLogprobs(choice.logprobs, value);
  }

  private audio(index: number, value: Record<string, unknown>): void {
    const { parts } = this.of(index).choice;
    let part = parts.find((candidate): candidate is Extract<Part, { type: 'audio' }> => candidate.type === 'audio');
    if (part === undefined) {
      part = { type: 'audio', source: { kind: 'inline', mediaType: '', data: '' } };
      parts.push(part);
    }
    if (typeof value['id'] === 'string') part.id = value['id'];
    if (typeof value['transcript'] === 'string') part.transcript = (part.transcript ?? '') + value['transcript'];
    if (typeof value['data'] === 'string' && part.source.kind === 'inline') part.source.data += value['data'];
  }
}

/** OpenAI's logprobs object: its lists (`content`, `refusal`) grow, anything else is replaced. */
function joinLogprobs(known: unknown, added: unknown): unknown {
  if (typeof known !== 'object' || known === null || typeof added !== 'object' || added === null) return added ?? known;
  const joined: Record<string, unknown> = { ...known };
  for (const [key, value] of Object.entries(added)) {
    const before = joined[key];
    joined[key] = Array.isArray(before) && Array.isArray(value) ? [...(before as unknown[]), ...(value as unknown[])] : (value ?? before);
  }
  return joined;
}

/** The whole stream as one answer, for an SSE answer to a request that was no stream. `failure` must be looked at first. */
export function aggregate(items: Iterable<StreamItem>): { response: ChatResponse; failure: UpstreamFailure | undefined } {
  const aggregator = new ResponseAggregator();
  for (const item of items) aggregator.add(item);
  return { response: aggregator.response(), failure: aggregator.failure };
}
