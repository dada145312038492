import { isObject, type JsonObject } from '../../../json/index.js';
import type { ParseContext, StreamItem, StreamParser } from '../../protocol.js';
import { SseDecoder } from '../../sse/index.js';
import { OpenAiStreamParser } from '../parse-stream.js';

/** `text` where chat has a message. */
export function asChatAnswer(body: unknown): unknown {
  return rewritten(body, (text) => ({ message: { role: 'assistant', content: text } }));
}

/** A frame with a final piece of text is chat's delta in everything but the name. */
function asChatChunk(body: unknown): unknown {
  return rewritten(body, (text) => ({ delta: { content: text } }));
}

function rewritten(body: unknown, wrap: (text: unknown) => JsonObject): unknown {
  if (!isObject(body) || !Array.isArray(body['choices'])) return body;
  const choices = body['choices'].map((choice: unknown) => {
    if (!isObject(choice)) return choice;
    const { text, ...rest } = choice;
    return { ...rest, ...wrap(text ?? '') };
  });
  return { ...body, choices };
}

/** Rewrites each frame into chat's shape, and lets chat's parser read it. */
export class CompletionsStreamParser implements StreamParser {
  readonly #inner: OpenAiStreamParser;
  readonly #decoder: SseDecoder;

  constructor(sink: (item: StreamItem) => void, context: ParseContext) {
    // The frame's own JSON is not chat's: nothing of it may be passed on as it is.
    this.#inner = new OpenAiStreamParser(({ events }) => sink({ events }), context);
    this.#decoder = new SseDecoder(({ data }) => this.#inner.push(Buffer.from(`data: ${asChatFrame(data)}\n\n`)));
  }

  get complete(): boolean {
    return this.#inner.complete === true;
  }

  push(chunk: Uint8Array): void {
    this.#decoder.push(chunk);
  }

  end(): void {
    this.#decoder.end();
    this.#inner.end();
  }
}

function asChatFrame(data: string): string {
  try {
    return JSON.stringify(asChatChunk(JSON.parse(data)));
  } catch {
    return data.replace(/\r?\n/g, '\ndata: ');
  }
}
