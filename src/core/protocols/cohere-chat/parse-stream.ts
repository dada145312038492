import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { unreadableFailure } from '../../errors/transport-failure.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ParseContext, StreamParser } from '../protocol.js';
import { SseDecoder } from '../sse/index.js';
import { StreamOutlet } from '../stream-outlet.js';
import { annotationsOf } from './citations.js';
import { COHERE, failureStatusOf, finishOf, textOf } from './facts.js';
import { parseError } from './parse-error.js';
import { parseUsage } from './parse-usage.js';

/** Events that say nothing a client needs. */
const SILENT: ReadonlySet<string> = new Set(['message-start', 'citation-end', 'debug']);

/** Events of `/v2/chat` as server-sent events. `message-end` is the end; the `[DONE]` behind it says nothing more. */
export class CohereStreamParser implements StreamParser {
  readonly #outlet: StreamOutlet;
  readonly #decoder: SseDecoder;
  /** Cohere numbers calls itself, in some streams from 1: ours count from 0. */
  readonly #calls = new Map<unknown, number>();
  #argumentsSeen = false;
  #thinking = false;

  constructor(
    sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
  ) {
    this.#outlet = new StreamOutlet(sink, context.dialect);
    this.#decoder = new SseDecoder((frame) => this.#frame(frame.data));
  }

  get complete(): boolean {
    return this.#outlet.done;
  }

  push(chunk: Uint8Array): void {
    if (!this.#outlet.done) this.#outlet.guard(() => this.#decoder.push(chunk));
  }

  end(): void {
    this.#outlet.guard(() => this.#decoder.end());
    this.#outlet.cut();
  }

  #frame(text: string): void {
    if (this.#outlet.done || text === '' || text === '[DONE]') return;
    const raw = parseJson(text);
    if (!isObject(raw)) return this.#outlet.fail(unreadableFailure('The provider sent a frame that is not valid JSON.', text));
    if (typeof raw['type'] !== 'string') return this.#withoutType(raw, text);
    if (raw['type'] === 'message-end') return this.#messageEnd(raw, text);
    this.#outlet.emit(this.#events(raw['type'], raw), raw, typeof raw['id'] === 'string' ? { upstreamId: raw['id'] } : {});
  }

  #withoutType(raw: JsonObject, text: string): void {
    const facts = parseError(raw);
    if (facts === null) this.#outlet.emit([{ type: 'drift', what: 'event:without_type' }], raw);
    else this.#outlet.refuse(facts, text);
  }

  #events(type: string, raw: JsonObject): ChatEvent[] {
    const message = messageOf(raw);
    switch (type) {
      case 'content-start':
      case 'content-delta':
        return this.#content(message['content']);
      case 'content-end':
        return this.#contentEnd();
      case 'tool-plan-delta':
        return [{ type: 'reasoning-delta', choice: 0, text: textOf(message['tool_plan']) }];
      case 'tool-call-start':
        return this.#callStart(raw['index'], message['tool_calls']);
      case 'tool-call-delta':
        return this.#callDelta(raw['index'], message['tool_calls']);
      case 'tool-call-end':
        return this.#callEnd(raw['index']);
      default:
        return otherEvents(type, message);
    }
  }

  #content(content: unknown): ChatEvent[] {
    if (!isObject(content)) return [];
    const thought = textOf(content['thinking']);
    if (content['type'] === 'thinking' || thought !== '') {
      this.#thinking = true;
      return [{ type: 'reasoning-delta', choice: 0, text: thought }];
    }
    return [{ type: 'text-delta', choice: 0, text: textOf(content['text']) }];
  }

  #contentEnd(): ChatEvent[] {
    if (!this.#thinking) return [];
    this.#thinking = false;
    return [{ type: 'reasoning-end', choice: 0, origin: COHERE }];
  }

  #callStart(place: unknown, call: unknown): ChatEvent[] {
    const index = this.#calls.size;
    this.#calls.set(place, index);
    const made = functionOf(call);
    const start: ChatEvent = { type: 'tool-call-start', choice: 0, index, id: isObject(call) ? textOf(call['id']) : '', name: textOf(made['name']) };
    this.#argumentsSeen = textOf(made['arguments']) !== '';
    return this.#argumentsSeen ? [start, { type: 'tool-call-delta', choice: 0, index, argumentsText: textOf(made['arguments']) }] : [start];
  }

  #callDelta(place: unknown, call: unknown): ChatEvent[] {
    const index = this.#calls.get(place) ?? this.#calls.size - 1;
    const argumentsText = textOf(functionOf(call)['arguments']);
    if (argumentsText === '') return [];
    this.#argumentsSeen = true;
    return [{ type: 'tool-call-delta', choice: 0, index, argumentsText }];
  }

  /** A call without arguments is an empty text here, which is no JSON; clients parse it. */
  #callEnd(place: unknown): ChatEvent[] {
    if (this.#argumentsSeen) return [];
    this.#argumentsSeen = true;
    return [{ type: 'tool-call-delta', choice: 0, index: this.#calls.get(place) ?? this.#calls.size - 1, argumentsText: '{}' }];
  }

  #messageEnd(raw: JsonObject, text: string): void {
    const delta = isObject(raw['delta']) ? raw['delta'] : {};
    const reason = textOf(delta['finish_reason']);
    const status = failureStatusOf(reason, this.context.dialect);
    if (status !== undefined) {
      const words = textOf(delta['error']);
      return this.#outlet.refuse({ message: words === '' ? `The model ended with ${reason}.` : words, rawCode: reason, status }, text);
    }
    this.#outlet.emit([...this.#finish(reason), ...usageEvents(delta['usage'])], raw);
    this.#outlet.end();
  }

  #finish(raw: string): ChatEvent[] {
    const reason = finishOf(raw, this.context.dialect);
    const finish: ChatEvent = { type: 'finish', choice: 0, reason: reason ?? (this.#calls.size > 0 ? 'tool_calls' : 'stop'), raw: raw === '' ? null : raw };
    return reason === null ? [{ type: 'drift', what: `finish_reason:${raw === '' ? 'missing' : raw}` }, finish] : [finish];
  }
}

function otherEvents(type: string, message: JsonObject): ChatEvent[] {
  if (type === 'citation-start') return [{ type: 'annotations', choice: 0, value: annotationsOf([message['citations']]) }];
  return SILENT.has(type) ? [] : [{ type: 'drift', what: `event:${type}` }];
}

function usageEvents(raw: unknown): ChatEvent[] {
  const usage = parseUsage(raw);
  if (usage === undefined) return [];
  return [usage === null ? { type: 'usage', raw } : { type: 'usage', usage, raw }];
}

function messageOf(raw: JsonObject): JsonObject {
  const delta = raw['delta'];
  return isObject(delta) && isObject(delta['message']) ? delta['message'] : {};
}

const functionOf = (call: unknown): JsonObject => (isObject(call) && isObject(call['function']) ? call['function'] : {});

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
