import type { ChatEvent } from '../../chat/event.js';
import type { ChatResponse } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { summaryMembers } from './envelope.js';

/**
 * The native lane of a stream: the upstream's events with the response's id, time, model and usage made ours, and the ids of tool
 * calls that were missing or repeated. Everything else, known or not, survives.
 */
export class NativeEvents {
  /** Output index → the id its call leaves under, where that is not the upstream's. */
  private readonly callIds = new Map<unknown, string>();
  private last: JsonObject | null = null;

  constructor(private readonly context: RenderContext) {}

  static isOne(raw: JsonObject | undefined): raw is JsonObject {
    return typeof raw?.['type'] === 'string' && raw['type'].startsWith('response.');
  }

  /** The event to pass on, the identical object when nothing had to be changed; null for the last one, which waits for its cost. */
  patch(raw: JsonObject, events: readonly ChatEvent[]): JsonObject | null {
    if (isObject(raw['response'])) {
      const response = this.identified(raw['response']);
      if (!events.some((event) => event.type === 'end')) return { ...raw, response };
      this.last = { status: raw['type'] === 'response.incomplete' ? 'incomplete' : 'completed', ...response };
      return null;
    }
    return isObject(raw['item']) ? this.patchItem(raw, raw['item'], events) : raw;
  }

  identified(response: JsonObject): JsonObject {
    return { ...response, ...identity(this.context, response) };
  }

  /** The upstream's whole response, once it has ended. */
  completed(summary: AnswerSummary): JsonObject | null {
    if (this.last === null) return null;
    const output = Array.isArray(this.last['output']) ? (this.last['output'] as unknown[]) : [];
    const patched = this.callIds.size === 0 ? output : output.map((item, at) => (isObject(item) ? this.withCallId(item, at) : item));
    return { ...this.last, output: patched, ...summaryMembers(summary) };
  }

  private patchItem(raw: JsonObject, item: JsonObject, events: readonly ChatEvent[]): JsonObject {
    const call = events.find((event) => event.type === 'tool-call-start');
    if (call?.type === 'tool-call-start' && call.id !== item['call_id']) this.callIds.set(raw['output_index'], call.id);
    const patched = this.withCallId(item, raw['output_index']);
    return patched === item ? raw : { ...raw, item: patched };
  }

  private withCallId(item: JsonObject, place: unknown): JsonObject {
    const id = this.callIds.get(place);
    return id === undefined ? item : { ...item, call_id: id };
  }
}

function identity({ responseId, createdS, model, echo }: RenderContext, response: JsonObject): JsonObject {
  const own: JsonObject = { id: responseId, object: 'response', created_at: createdS, model };
  // The gateway resolves earlier responses itself: the upstream was sent their items, and knows nothing of the id.
  const previous = echo?.['previous_response_id'];
  if (typeof previous === 'string') own['previous_response_id'] = previous;
  if (typeof echo?.['store'] === 'boolean' && response['store'] !== undefined) own['store'] = echo['store'];
  return own;
}

/** The native lane of an answer in one piece; `read` is the normalised reading of it. */
export function patchResponse(raw: JsonObject, context: RenderContext, summary: AnswerSummary, read: ChatResponse): JsonObject {
  const calls = (read.choices[0]?.parts ?? []).filter((part) => part.type === 'tool-call');
  let at = 0;
  const output = (raw['output'] as unknown[]).map((item) => {
    if (!isObject(item) || (item['type'] !== 'function_call' && item['type'] !== 'custom_tool_call')) return item;
    const id = calls[at++]?.id;
    return id === undefined || id === item['call_id'] ? item : { ...item, call_id: id };
  });
  return { ...raw, ...identity(context, raw), output, ...summaryMembers(summary) };
}
