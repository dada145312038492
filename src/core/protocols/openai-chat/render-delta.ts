import type { ChatEvent } from '../../chat/event.js';
import type { JsonObject } from '../../json/index.js';
import type { RenderContext } from '../protocol.js';
import { formatOfOrigin } from './reasoning-history.js';

/** Text of a reasoning block that is still open, per choice: its signature is shown beside it, so that it can be replayed whole. */
export type OpenReasoning = Map<number, { text: string; index: number }>;

/** One choice of a chunk, from the events of one item. */
export interface RenderedChoice {
  delta: JsonObject;
  logprobs: unknown;
  finish: string | null;
  /** Something of it is worth a chunk. */
  says: boolean;
}

/** Groups an item's events by choice and renders each group as one delta. */
export class DeltaRenderer {
  private readonly open: OpenReasoning = new Map();

  constructor(private readonly field: RenderContext['reasoningField']) {}

  render(events: readonly ChatEvent[]): Map<number, RenderedChoice> {
    const choices = new Map<number, RenderedChoice>();
    for (const event of events) {
      if (!('choice' in event)) continue;
      let choice = choices.get(event.choice);
      if (choice === undefined) {
        choice = { delta: {}, logprobs: null, finish: null, says: false };
        choices.set(event.choice, choice);
      }
      if (this.add(event, choice)) choice.says = true;
    }
    return choices;
  }

  private add(event: Extract<ChatEvent, { choice: number }>, choice: RenderedChoice): boolean {
    const { delta } = choice;
    switch (event.type) {
      case 'text-delta':
        delta['content'] = joined(delta['content'], event.text);
        return true;
      case 'reasoning-delta':
        return this.reasoning(event, delta);
      case 'reasoning-end':
        return this.proof(event, delta);
      case 'tool-call-start':
      case 'tool-call-delta':
        return toolCall(event, delta);
      case 'refusal-delta':
        delta['refusal'] = joined(delta['refusal'], event.text);
        return true;
      case 'logprobs':
        choice.logprobs = event.value;
        return true;
      case 'finish':
        choice.finish = event.reason;
        return true;
      default:
        return rare(event, delta);
    }
  }

  private reasoning(event: Extract<ChatEvent, { type: 'reasoning-delta' }>, delta: JsonObject): boolean {
    const open = this.open.get(event.choice);
    if (open === undefined) this.open.set(event.choice, { text: event.text, index: 0 });
    else open.text += event.text;
    if (this.field === 'none') return false;
    for (const name of fieldsOf(this.field)) delta[name] = joined(delta[name], event.text);
    return true;
  }

  private proof(event: Extract<ChatEvent, { type: 'reasoning-end' }>, delta: JsonObject): boolean {
    const open = this.open.get(event.choice) ?? { text: '', index: 0 };
    this.open.set(event.choice, { text: '', index: open.index + 1 });
    const details = reasoningDetails({ ...event, text: open.text }, open.index);
    if (this.field === 'none' || details.length === 0) return false;
    delta['reasoning_details'] = [...((delta['reasoning_details'] as unknown[] | undefined) ?? []), ...details];
    return true;
  }
}

/** The names under which reasoning text leaves. */
export function fieldsOf(field: RenderContext['reasoningField']): readonly string[] {
  if (field === 'none') return [];
  return field === 'both' ? ['reasoning_content', 'reasoning'] : [field];
}

interface Proof {
  text: string;
  signature?: string;
  encrypted?: string;
  id?: string;
  origin?: string;
}

/** What a client must send back for the thought to be believed; nothing when there is no proof of it. */
export function reasoningDetails({ text, signature, encrypted, id, origin }: Proof, index: number): JsonObject[] {
  const format = formatOfOrigin(origin);
  const details: JsonObject[] = [];
  if (signature !== undefined) details.push({ type: 'reasoning.text', text, signature, id: id ?? null, format, index });
  if (encrypted !== undefined) details.push({ type: 'reasoning.encrypted', data: encrypted, id: id ?? null, format, index });
  return details;
}

function toolCall(event: Extract<ChatEvent, { type: 'tool-call-start' | 'tool-call-delta' }>, delta: JsonObject): boolean {
  const calls = (delta['tool_calls'] ??= []) as JsonObject[];
  if (event.type === 'tool-call-start') {
    calls.push({ index: event.index, ...startedCall(event) });
    return true;
  }
  const begun = calls.find((call) => call['index'] === event.index);
  if (begun === undefined) {
    calls.push({ index: event.index, function: { arguments: event.argumentsText } });
    return true;
  }
  const inner = (begun['custom'] ?? begun['function']) as JsonObject;
  const key = begun['custom'] === undefined ? 'arguments' : 'input';
  inner[key] = joined(inner[key], event.argumentsText);
  return true;
}

function startedCall(event: Extract<ChatEvent, { type: 'tool-call-start' }>): JsonObject {
  const inner =
    event.kind === 'custom' ? { type: 'custom', custom: { name: event.name, input: '' } } : { type: 'function', function: { name: event.name, arguments: '' } };
  return { id: event.id, ...inner, ...signatureOf(event.signature) };
}

/** Gemini's thought signature, where Google's own OpenAI-compatible API carries it. */
export function signatureOf(signature: string | undefined): JsonObject {
  return signature === undefined ? {} : { extra_content: { google: { thought_signature: signature } } };
}

function rare(event: ChatEvent, delta: JsonObject): boolean {
  switch (event.type) {
    case 'annotations':
      delta['annotations'] = event.value;
      return true;
    case 'audio-delta':
      delta['audio'] = event.value;
      return true;
    case 'image': {
      const { source } = event;
      if (source.kind === 'provider-file') return false;
      const url = source.kind === 'url' ? source.url : `data:${source.mediaType};base64,${source.data}`;
      delta['images'] = [...((delta['images'] as unknown[] | undefined) ?? []), { type: 'image_url', image_url: { url } }];
      return true;
    }
    default:
      return false;
  }
}

const joined = (known: unknown, text: string): string => (typeof known === 'string' ? known + text : text);
