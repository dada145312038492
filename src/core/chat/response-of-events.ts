import type { ChatEvent } from './event.js';
import type { ReasoningPart, TextPart, ToolCallPart } from './message.js';
import type { ChatResponse, Choice } from './response.js';

type Event<Type extends ChatEvent['type']> = Extract<ChatEvent, { type: Type }>;

/**
 * Gathers a stream into the answer it adds up to: for a client that asked for JSON where the provider sent a stream (F56).
 * Parts stand in the order in which they began. The caller sees to `error` and `end` itself.
 */
export class ResponseOfEvents {
  readonly #choices = new Map<number, Choice>();
  readonly #calls = new Map<string, ToolCallPart>();
  readonly #response: ChatResponse = { choices: [], drift: [], extra: {} };

  push(event: ChatEvent): void {
    switch (event.type) {
      case 'start':
        return this.#start(event);
      case 'usage':
        this.#response.usage = event.usage;
        this.#response.rawUsage = event.raw;
        return;
      case 'drift':
        this.#response.drift.push(event.what);
        return;
      case 'error':
      case 'end':
      case 'ping':
        return;
      default:
        this.#content(event, this.#choice(event.choice));
    }
  }

  response(): ChatResponse {
    const choices = [...this.#choices.values()].toSorted((a, b) => a.index - b.index);
    const { usage, rawUsage } = this.#response;
    if (usage === undefined) this.#response.usageProblem = rawUsage === undefined ? 'missing' : 'invalid';
    return { ...this.#response, choices };
  }

  #start(event: Event<'start'>): void {
    const { upstreamId, upstreamModel, createdS, serviceTier, systemFingerprint } = event;
    if (upstreamId !== undefined) this.#response.upstreamId = upstreamId;
    if (upstreamModel !== undefined) this.#response.upstreamModel = upstreamModel;
    if (createdS !== undefined) this.#response.createdS = createdS;
    if (serviceTier !== undefined) this.#response.serviceTier = serviceTier;
    if (systemFingerprint !== undefined) this.#response.systemFingerprint = systemFingerprint;
  }

  #choice(index: number): Choice {
    const known = this.#choices.get(index);
    if (known !== undefined) return known;
    const choice: Choice = { index, parts: [], finish: 'error', rawFinish: null };
    this.#choices.set(index, choice);
    return choice;
  }

  #content(event: Exclude<ChatEvent, Event<'start' | 'usage' | 'drift' | 'error' | 'end' | 'ping'>>, choice: Choice): void {
    switch (event.type) {
      case 'text-delta':
        lastText(choice).text += event.text;
        return;
      case 'reasoning-delta':
        lastReasoning(choice).text += event.text;
        return;
      case 'reasoning-end':
        return closeReasoning(lastReasoning(choice), event);
      case 'tool-call-start':
        return this.#startCall(event, choice);
      case 'tool-call-delta':
        return this.#continueCall(event);
      case 'finish':
        Object.assign(choice, { finish: event.reason, rawFinish: event.raw, stopSequence: event.stopSequence });
        return;
      default:
        pushOther(event, choice);
    }
  }

  #startCall(event: Event<'tool-call-start'>, choice: Choice): void {
    const part: ToolCallPart = { type: 'tool-call', id: event.id, name: event.name, arguments: '' };
    if (event.signature !== undefined) part.signature = event.signature;
    if (event.kind !== undefined) part.kind = event.kind;
    choice.parts.push(part);
    this.#calls.set(`${event.choice}:${event.index}`, part);
  }

  #continueCall(event: Event<'tool-call-delta'>): void {
    const part = this.#calls.get(`${event.choice}:${event.index}`);
    if (part !== undefined) part.arguments += event.argumentsText;
  }
}

function lastText(choice: Choice): TextPart {
  const last = choice.parts.at(-1);
  if (last?.type === 'text') return last;
  const part: TextPart = { type: 'text', text: '' };
  choice.parts.push(part);
  return part;
}

/** A block that was closed is not continued: the next delta begins another. */
function lastReasoning(choice: Choice): ReasoningPart {
  const last = choice.parts.at(-1);
  if (last?.type === 'reasoning' && last.origin === undefined) return last;
  const part: ReasoningPart = { type: 'reasoning', text: '' };
  choice.parts.push(part);
  return part;
}

function closeReasoning(part: ReasoningPart, event: Event<'reasoning-end'>): void {
  part.origin = event.origin;
  if (event.signature !== undefined) part.signature = event.signature;
  if (event.encrypted !== undefined) part.encrypted = event.encrypted;
  if (event.id !== undefined) part.id = event.id;
}

function pushOther(event: ChatEvent, choice: Choice): void {
  if (event.type === 'refusal-delta') {
    const last = choice.parts.at(-1);
    if (last?.type === 'refusal') last.text += event.text;
    else choice.parts.push({ type: 'refusal', text: event.text });
  }
  if (event.type === 'annotations') lastText(choice).annotations = [...(lastText(choice).annotations ?? []), ...event.value];
  if (event.type === 'logprobs') choice.logprobs = joinLogprobs(choice.logprobs, event.value);
  if (event.type === 'image') choice.parts.push({ type: 'image', source: event.source });
  if (event.type === 'opaque') choice.parts.push({ type: 'opaque', protocol: event.protocol, value: event.value });
  if (event.type === 'audio-delta') joinAudio(event.value, choice);
}

function joinLogprobs(before: unknown, value: unknown): unknown {
  const first = before as { content?: unknown } | undefined;
  const second = value as { content?: unknown } | null;
  if (!Array.isArray(first?.content) || !Array.isArray(second?.content)) return value;
  return { ...first, ...second, content: [...first.content, ...second.content] };
}

function joinAudio(value: Record<string, unknown>, choice: Choice): void {
  const text = (name: string) => (typeof value[name] === 'string' ? value[name] : '');
  const last = choice.parts.at(-1);
  if (last?.type === 'audio' && last.source.kind === 'inline') {
    last.source.data += text('data');
    last.transcript = (last.transcript ?? '') + text('transcript');
    return;
  }
  const id = text('id');
  choice.parts.push({
    type: 'audio',
    source: { kind: 'inline', mediaType: 'audio/*', data: text('data') },
    transcript: text('transcript'),
    ...(id === '' ? {} : { id }),
  });
}
