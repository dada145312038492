import type { ChatEvent } from './event.js';
import type { Part } from './message.js';
import type { ChatResponse, Choice } from './response.js';

/** A whole answer as the stream it would have been: for a client that asked for a stream where the provider sent JSON (F56). */
export function eventsOfResponse(response: ChatResponse): ChatEvent[] {
  const { upstreamId, upstreamModel, createdS, serviceTier, systemFingerprint } = response;
  const events: ChatEvent[] = [{ type: 'start', upstreamId, upstreamModel, createdS, serviceTier, systemFingerprint }];
  for (const what of response.drift) events.push({ type: 'drift', what });
  for (const choice of response.choices) pushChoice(choice, events);
  if (response.usage !== undefined || response.rawUsage !== undefined) events.push({ type: 'usage', usage: response.usage, raw: response.rawUsage ?? null });
  events.push({ type: 'end' });
  return events;
}

function pushChoice(choice: Choice, events: ChatEvent[]): void {
  let toolIndex = 0;
  for (const part of choice.parts) {
    pushPart(part, { choice: choice.index, toolIndex, events });
    if (part.type === 'tool-call') toolIndex++;
  }
  if (choice.logprobs !== undefined) events.push({ type: 'logprobs', choice: choice.index, value: choice.logprobs });
  const stop = choice.stopSequence === undefined ? {} : { stopSequence: choice.stopSequence };
  events.push({ type: 'finish', choice: choice.index, reason: choice.finish, raw: choice.rawFinish, ...stop });
}

interface Place {
  choice: number;
  toolIndex: number;
  events: ChatEvent[];
}

function pushPart(part: Part, { choice, toolIndex, events }: Place): void {
  switch (part.type) {
    case 'text':
      if (part.text !== '') events.push({ type: 'text-delta', choice, text: part.text });
      if (part.annotations !== undefined) events.push({ type: 'annotations', choice, value: part.annotations });
      return;
    case 'reasoning':
      if (part.text !== '') events.push({ type: 'reasoning-delta', choice, text: part.text });
      events.push({ type: 'reasoning-end', choice, signature: part.signature, encrypted: part.encrypted, id: part.id, origin: part.origin ?? '' });
      return;
    case 'tool-call':
      events.push({ type: 'tool-call-start', choice, index: toolIndex, id: part.id, name: part.name, signature: part.signature, kind: part.kind });
      events.push({ type: 'tool-call-delta', choice, index: toolIndex, argumentsText: part.arguments });
      return;
    default:
      pushOther(part, choice, events);
  }
}

function pushOther(part: Part, choice: number, events: ChatEvent[]): void {
  if (part.type === 'refusal') events.push({ type: 'refusal-delta', choice, text: part.text });
  if (part.type === 'image') events.push({ type: 'image', choice, source: part.source });
  if (part.type === 'opaque') events.push({ type: 'opaque', choice, protocol: part.protocol, value: part.value });
  if (part.type !== 'audio') return;
  const data = part.source.kind === 'inline' ? { data: part.source.data } : {};
  events.push({ type: 'audio-delta', choice, value: { id: part.id, transcript: part.transcript, ...data } });
}
