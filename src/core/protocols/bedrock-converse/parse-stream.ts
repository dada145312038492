import type { ChatEvent, StreamItem } from '../../chat/event.js';
import { unreadableFailure } from '../../errors/transport-failure.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { EventStreamDecoder, type EventStreamMessage } from '../eventstream/index.js';
import type { ParseContext, StreamParser } from '../protocol.js';
import { StreamOutlet } from '../stream-outlet.js';
import { finishOf, textOf } from './facts.js';
import { exceptionFacts } from '../shared-bedrock/index.js';
import { parseUsage } from './parse-usage.js';
import { StreamBlocks } from './stream-blocks.js';

/**
 * Events of `converse-stream`. `messageStop` is the model's end; `metadata` with the usage follows it and is the last. A body that ends
 * between the two ended whole, only without usage.
 */
export class BedrockStreamParser implements StreamParser {
  readonly #outlet: StreamOutlet;
  readonly #decoder = new EventStreamDecoder((message) => this.#message(message));
  readonly #blocks = new StreamBlocks();
  #stopped = false;

  constructor(
    sink: (item: StreamItem) => void,
    private readonly context: ParseContext,
  ) {
    this.#outlet = new StreamOutlet(sink, context.dialect);
  }

  get complete(): boolean {
    return this.#stopped;
  }

  push(chunk: Uint8Array): void {
    if (!this.#outlet.done) this.#outlet.guard(() => this.#decoder.push(chunk));
  }

  end(): void {
    if (this.#stopped) this.#outlet.end();
    else this.#outlet.cut();
  }

  #message({ headers, payload }: EventStreamMessage): void {
    if (this.#outlet.done) return;
    const text = payload.toString('utf8');
    const raw = parseJson(text);
    const exception = headers[':exception-type'] ?? headers[':error-code'];
    if (typeof exception === 'string') return this.#outlet.refuse(exceptionFacts(exception, raw, textOf(headers[':error-message'])), text);
    if (!isObject(raw)) return this.#outlet.fail(unreadableFailure('The provider sent a frame that is not valid JSON.', text));
    const type = textOf(headers[':event-type']);
    this.#outlet.emit(this.#events(type, raw), raw);
    if (type === 'metadata' && this.#stopped) this.#outlet.end();
  }

  #events(type: string, raw: JsonObject): ChatEvent[] {
    switch (type) {
      case 'messageStart':
        return [];
      case 'contentBlockStart':
        return this.#blocks.start(raw['contentBlockIndex'], raw['start']);
      case 'contentBlockDelta':
        return this.#blocks.delta(raw['contentBlockIndex'], raw['delta']);
      case 'contentBlockStop':
        return this.#blocks.stop(raw['contentBlockIndex']);
      case 'messageStop':
        return this.#stop(raw);
      case 'metadata':
        return usageEvents(raw['usage']);
      default:
        return [{ type: 'drift', what: `event:${type}` }];
    }
  }

  #stop(raw: JsonObject): ChatEvent[] {
    this.#stopped = true;
    const { reason, raw: said, drift } = finishOf(raw['stopReason'], this.#blocks.calls, this.context.dialect);
    const finish: ChatEvent = { type: 'finish', choice: 0, reason, raw: said };
    return drift === undefined ? [finish] : [{ type: 'drift', what: drift }, finish];
  }
}

function usageEvents(raw: unknown): ChatEvent[] {
  const usage = parseUsage(raw);
  if (usage === undefined) return [];
  return [usage === null ? { type: 'usage', raw } : { type: 'usage', usage, raw }];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
