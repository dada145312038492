import type { ChatEvent } from '../../chat/event.js';
import type { JsonObject } from '../../json/index.js';
import { reasoningText } from './parse-input.js';
import { objectsOf, PROTOCOL, text } from './types.js';

/** What of an item has been said already by deltas: whatever is still missing when it is done is said then. */
export interface SaidItem {
  text: boolean;
  annotations: number;
  refusal: boolean;
  reasoning: boolean;
  arguments: boolean;
  /** The number of its tool call. */
  call?: number;
}

export const nothingSaid = (): SaidItem => ({ text: false, annotations: 0, refusal: false, reasoning: false, arguments: false });

/** The events that complete an item. `nextCall` gives the next tool call its number. */
export function completedItem(item: JsonObject, said: SaidItem, nextCall: () => number): ChatEvent[] {
  switch (item['type']) {
    case 'message':
      return messageEvents(item, said);
    case 'reasoning':
      return reasoningEvents(item, said);
    case 'function_call':
    case 'custom_tool_call':
      return [...startedCall(item, said, nextCall), ...argumentEvents(item, said)];
    case 'image_generation_call':
      return imageEvents(item);
    default:
      return [{ type: 'opaque', choice: 0, protocol: PROTOCOL, value: item }];
  }
}

/** Nothing when the call has begun already. */
export function startedCall(item: JsonObject, said: SaidItem, nextCall: () => number): ChatEvent[] {
  if (said.call !== undefined) return [];
  said.call = nextCall();
  const start: ChatEvent = { type: 'tool-call-start', choice: 0, index: said.call, id: text(item['call_id']), name: text(item['name']) };
  if (item['type'] === 'custom_tool_call') start.kind = 'custom';
  return [start];
}

function argumentEvents(item: JsonObject, said: SaidItem): ChatEvent[] {
  const written = text(item[item['type'] === 'custom_tool_call' ? 'input' : 'arguments']);
  if (said.arguments || written === '') return [];
  said.arguments = true;
  return [{ type: 'tool-call-delta', choice: 0, index: said.call as number, argumentsText: written }];
}

function messageEvents(item: JsonObject, said: SaidItem): ChatEvent[] {
  const events: ChatEvent[] = [];
  let seen = 0;
  for (const part of objectsOf(item['content'])) {
    const words = text(part['text']);
    if (part['type'] === 'refusal' && !said.refusal) events.push({ type: 'refusal-delta', choice: 0, text: text(part['refusal']) });
    if (part['type'] !== 'output_text') continue;
    if (!said.text && words !== '') events.push({ type: 'text-delta', choice: 0, text: words });
    if (!said.text) events.push(...logprobEvents(part['logprobs']));
    const annotations = objectsOf(part['annotations']);
    const unseen = annotations.slice(Math.max(0, said.annotations - seen));
    seen += annotations.length;
    if (unseen.length > 0) events.push({ type: 'annotations', choice: 0, value: unseen });
  }
  return events;
}

/** The entries are those of Chat Completions; the list that holds them differs. */
export function logprobEvents(value: unknown): ChatEvent[] {
  const entries = objectsOf(value);
  return entries.length === 0 ? [] : [{ type: 'logprobs', choice: 0, value: { content: entries, refusal: null } }];
}

function reasoningEvents(item: JsonObject, said: SaidItem): ChatEvent[] {
  const thought = said.reasoning ? '' : reasoningText(item);
  const end: ChatEvent = { type: 'reasoning-end', choice: 0, origin: PROTOCOL };
  if (text(item['encrypted_content']) !== '') end.encrypted = text(item['encrypted_content']);
  if (text(item['id']) !== '') end.id = text(item['id']);
  return thought === '' ? [end] : [{ type: 'reasoning-delta', choice: 0, text: thought }, end];
}

function imageEvents(item: JsonObject): ChatEvent[] {
  const data = text(item['result']);
  if (data === '') return [];
  const format = text(item['output_format']);
  return [{ type: 'image', choice: 0, source: { kind: 'inline', mediaType: `image/${format === '' ? 'png' : format}`, data } }];
}
