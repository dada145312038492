import type { ChatEvent } from '../../chat/event.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ParseContext } from '../protocol.js';
import { endEvents, startEvent } from './parse-response.js';
import { completedItem, logprobEvents, nothingSaid, startedCall, type SaidItem } from './read-item.js';
import { objectsOf, text } from './types.js';

/** More items than any answer has had; beyond it a stream is not of this protocol. */
const MAX_ITEMS = 4_096;
/** Progress of built-in tools: nothing of it is content, and their items say the outcome. */
const PROGRESS = /^(keepalive|ping|response\.(queued|[a-z_]+_call(_[a-z]+)?\.[a-z_]+|mcp_list_tools\.[a-z_]+|audio(\.transcript)?\.done))$/;
/** Said again by the event that closes the item; the deltas before it are read, or else the item itself. */
const REPETITION: ReadonlySet<string> = new Set([
  'response.in_progress',
  'response.content_part.added',
  'response.content_part.done',
  'response.output_text.done',
  'response.refusal.done',
  'response.reasoning_summary_part.done',
  'response.reasoning_summary_text.done',
  'response.reasoning_text.done',
  'response.function_call_arguments.done',
  'response.custom_tool_call_input.done',
]);

type Read = (event: JsonObject) => ChatEvent[];

/** One event of the stream → canonical events. Stateful: one per stream. Failures are the parser's business. */
export class EventReader {
  private readonly items = new Map<string, SaidItem>();
  private readonly done = new Set<string>();
  private callCount = 0;
  private readonly readers: Readonly<Record<string, Read>> = {
    'response.created': (event) => [startEvent(isObject(event['response']) ? event['response'] : {})],
    'response.output_item.added': (event) => this.added(event),
    'response.output_item.done': (event) => this.completed(event, itemOf(event)),
    'response.output_text.delta': (event) => this.text(event),
    'response.output_text.annotation.added': (event) => this.annotation(event),
    'response.refusal.delta': (event) => this.delta(event, 'refusal', (words) => ({ type: 'refusal-delta', choice: 0, text: words })),
    'response.reasoning_summary_part.added': (event) => this.summaryPart(event),
    'response.reasoning_summary_text.delta': (event) => this.reasoning(event),
    'response.reasoning_text.delta': (event) => this.reasoning(event),
    'response.function_call_arguments.delta': (event) => this.arguments(event),
    'response.custom_tool_call_input.delta': (event) => this.arguments(event),
    'response.completed': (event) => this.end(event),
    'response.incomplete': (event) => this.end(event),
  };

  constructor(private readonly context: ParseContext) {}

  read(event: JsonObject): ChatEvent[] {
    const type = text(event['type']);
    const reader = Object.hasOwn(this.readers, type) ? this.readers[type] : undefined;
    if (reader !== undefined) return reader(event);
    return REPETITION.has(type) || (type.length < 100 && PROGRESS.test(type)) ? [] : [{ type: 'drift', what: `event:${type.slice(0, 80)}` }];
  }

  private added(event: JsonObject): ChatEvent[] {
    const item = itemOf(event);
    if (item['type'] !== 'function_call' && item['type'] !== 'custom_tool_call') return [];
    return startedCall(item, this.said(event), () => this.callCount++);
  }

  private completed(event: JsonObject, item: JsonObject): ChatEvent[] {
    const key = keyOf(event);
    if (this.done.has(key)) return [];
    this.done.add(key);
    return completedItem(item, this.said(event), () => this.callCount++);
  }

  private text(event: JsonObject): ChatEvent[] {
    return [...this.delta(event, 'text', (words) => ({ type: 'text-delta', choice: 0, text: words })), ...logprobEvents(event['logprobs'])];
  }

  private reasoning(event: JsonObject): ChatEvent[] {
    return this.delta(event, 'reasoning', (words) => ({ type: 'reasoning-delta', choice: 0, text: words }));
  }

  /** Parts of a summary are paragraphs. */
  private summaryPart(event: JsonObject): ChatEvent[] {
    return this.said(event).reasoning ? [{ type: 'reasoning-delta', choice: 0, text: '\n\n' }] : [];
  }

  private annotation(event: JsonObject): ChatEvent[] {
    const { annotation } = event;
    if (!isObject(annotation)) return [];
    this.said(event).annotations += 1;
    return [{ type: 'annotations', choice: 0, value: [annotation] }];
  }

  private arguments(event: JsonObject): ChatEvent[] {
    const { call } = this.said(event);
    if (call === undefined) return [{ type: 'drift', what: 'arguments:without_item' }];
    return this.delta(event, 'arguments', (argumentsText) => ({ type: 'tool-call-delta', choice: 0, index: call, argumentsText }));
  }

  private delta(event: JsonObject, what: 'text' | 'refusal' | 'reasoning' | 'arguments', make: (words: string) => ChatEvent): ChatEvent[] {
    const words = text(event['delta']);
    if (words === '') return [];
    this.said(event)[what] = true;
    return [make(words)];
  }

  /** Items that no event of their own told are read off the whole response. */
  private end(event: JsonObject): ChatEvent[] {
    const response = isObject(event['response']) ? event['response'] : {};
    const missed = objectsOf(response['output']).flatMap((item, at) => this.completed({ output_index: at }, item));
    return [...missed, ...endEvents(response, this.callCount > 0, this.context), { type: 'end' }];
  }

  private said(event: JsonObject): SaidItem {
    const key = keyOf(event);
    const known = this.items.get(key);
    if (known !== undefined) return known;
    const said = nothingSaid();
    if (this.items.size < MAX_ITEMS) this.items.set(key, said);
    return said;
  }
}

const itemOf = (event: JsonObject): JsonObject => (isObject(event['item']) ? event['item'] : {});

/** By place: GitHub Copilot gives an item another id in each event (recorded 2026). */
function keyOf(event: JsonObject): string {
  const place = event['output_index'];
  return typeof place === 'number' ? String(place) : text(event['item_id']);
}
