import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { unreadableFailure } from '../../errors/transport-failure.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { ObjectDecoder } from '../ndjson/index.js';
import type { ParseContext, StreamParser } from '../protocol.js';
import { StreamOutlet } from '../stream-outlet.js';
import { parseError } from './parse-error.js';
import { rawUsageOf } from './parse-response.js';
import { callsOf, finishOf, logprobsOf, OLLAMA, parseUsage, startFacts, textOf } from './read-answer.js';

/** One JSON object per line; the one with `done: true` is the end. A whole answer is a stream of one such object. */
export class OllamaStreamParser implements StreamParser {
  readonly #outlet: StreamOutlet;
  readonly #decoder = new ObjectDecoder((text) => this.#frame(text));
  #callCount = 0;
  #thinking = false;

  constructor(
    sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
  ) {
    this.#outlet = new StreamOutlet(sink, context.dialect);
  }

  get complete(): boolean {
    return this.#outlet.done;
  }

  push(chunk: Uint8Array): void {
    if (!this.#outlet.done) this.#outlet.guard(() => this.#decoder.push(chunk));
  }

  end(): void {
    this.#outlet.cut();
  }

  #frame(text: string): void {
    if (this.#outlet.done) return;
    const raw = parseJson(text);
    if (!isObject(raw)) return this.#outlet.fail(unreadableFailure('The provider sent a line that is not valid JSON.', text));
    if (!isObject(raw['message']) && raw['done'] !== true) return this.#withoutMessage(raw, text);
    const message = isObject(raw['message']) ? raw['message'] : {};
    this.#outlet.emit([...this.#content(message, raw), ...(raw['done'] === true ? this.#done(raw) : [])], raw, startFacts(raw));
    if (raw['done'] === true) this.#outlet.end();
  }

  #withoutMessage(raw: JsonObject, text: string): void {
    const facts = parseError(raw);
    if (facts === null) this.#outlet.fail(unreadableFailure('The provider sent a line that is neither an answer nor an error.', text));
    else this.#outlet.refuse(facts, text);
  }

  #content(message: JsonObject, raw: JsonObject): ChatEvent[] {
    const events: ChatEvent[] = [];
    const thinking = textOf(message['thinking']);
    const text = textOf(message['content']);
    const calls = callsOf(message);
    this.#reasoning(thinking, text !== '' || calls.length > 0, events);
    if (text !== '') events.push({ type: 'text-delta', choice: 0, text });
    const logprobs = logprobsOf(raw);
    if (logprobs !== undefined) events.push({ type: 'logprobs', choice: 0, value: logprobs });
    for (const call of calls) {
      const index = this.#callCount++;
      events.push({ type: 'tool-call-start', choice: 0, index, id: call.id, name: call.name });
      events.push({ type: 'tool-call-delta', choice: 0, index, argumentsText: call.arguments });
    }
    return events;
  }

  /** Thoughts end where something else begins. */
  #reasoning(thinking: string, other: boolean, events: ChatEvent[]): void {
    if (thinking !== '') {
      this.#thinking = true;
      events.push({ type: 'reasoning-delta', choice: 0, text: thinking });
    } else if (this.#thinking && other) {
      this.#thinking = false;
      events.push({ type: 'reasoning-end', choice: 0, origin: OLLAMA });
    }
  }

  #done(raw: JsonObject): ChatEvent[] {
    const reason = textOf(raw['done_reason']);
    const { finish, known } = finishOf(reason, this.#callCount > 0, this.context.dialect);
    const events: ChatEvent[] = known ? [] : [{ type: 'drift', what: `done_reason:${reason}` }];
    events.push({ type: 'finish', choice: 0, reason: finish, raw: reason === '' ? null : reason });
    const usage = parseUsage(raw);
    if (usage === undefined) return events;
    const rawUsage = rawUsageOf(raw);
    return [...events, usage === null ? { type: 'usage', raw: rawUsage } : { type: 'usage', usage, raw: rawUsage }];
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
