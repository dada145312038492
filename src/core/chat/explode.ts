import type { ChatEvent, StreamItem } from './event.js';
import type { Part } from './message.js';
import type { ChatResponse, Choice } from './response.js';

/** An answer in one piece as the stream it could have been, for a JSON answer to a request that asked for a stream. */
export function explode(response: ChatResponse): StreamItem[] {
  const items: StreamItem[] = [{ events: [startOf(response)] }];
  for (const choice of response.choices) items.push(...choiceItems(choice));
  if (response.rawUsage !== undefined || response.usage !== undefined) {
    items.push({ events: [{ type: 'usage', usage: response.usage, raw: response.rawUsage }] });
  }
  if (response.drift.length > 0) items.push({ events: response.drift.map((what) => ({ type: 'drift', what })) });
  items.push({ events: [{ type: 'end' }] });
  return items;
}

function startOf({ upstreamId, upstreamModel, createdS, serviceTier, systemFingerprint }: ChatResponse): ChatEvent {
  return { type: 'start', upstreamId, upstreamModel, createdS, serviceTier, systemFingerprint };
}

function choiceItems(choice: Choice): StreamItem[] {
  const items: StreamItem[] = [];
  let callCount = 0;
  for (const part of choice.parts) {
    const events = partEvents(part, choice.index, callCount);
    if (part.type === 'tool-call') callCount += 1;
    if (events.length > 0) items.push({ events });
  }
  const events: ChatEvent[] = choice.logprobs === undefined || choice.logprobs === null ? [] : [{ type: 'logprobs', choice: choice.index, value: choice.logprobs }];
  events.push({ type: 'finish', choice: choice.index, reason: choice.finish, raw: choice.rawFinish, stopSequence: choice.stopSequence });
  items.push({ events });
  return items;
}

function partEvents(part: Part, choice: number, index: number): ChatEvent[] {
  switch (part.type) {
    case 'text': {
      const events: ChatEvent[] = [{ type: 'text-delta', choice, text: part.text }];
      if (part.annotations !== undefined) events.push({ type: 'annotations', choice, value: part.annotations });
      return events;
    }
    case 'reasoning': {
      const events: ChatEvent[] = part.text === '' ? [] : [{ type: 'reasoning-delta', choice, text: part.text }];
      events.push({ type: 'reasoning-end', choice, signature: part.signature, encrypted: part.encrypted, id: part.id, origin: part.origin ?? '' });
      return events;
    }
    case 'tool-call':
      return [
        { type: 'tool-call-start', choice, index, id: part.id, name: part.name, signature: part.signature, kind: part.kind },
        { type: 'tool-call-delta', choice, index, argumentsText: part.arguments },
      ];
    case 'refusal':
      return [{ type: 'refusal-delta', choice, text: part.text }];
    case 'image':
      return [{ type: 'image', choice, source: part.source }];
    case 'audio':
      return [{ type: 'audio-delta', choice, value: audioValue(part) }];
    case 'opaque':
      return [{ type: 'opaque', choice, protocol: part.protocol, value: part.value }];
    default:
      return [];
  }
}

function audioValue(part: Extract<Part, { type: 'audio' }>): Record<string, unknown> {
  const data = part.source.kind === 'inline' ? part.source.data : '';
  return { id: part.id, data, transcript: part.transcript };
}
