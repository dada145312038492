import type { ChatEvent } from '../../chat/event.js';
import type { MediaSource } from '../../chat/message.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ResponseDialect } from '../dialect.js';
import { factsOf } from './answer-facts.js';
import { finishReason } from './finish-reason.js';
import { DEFAULT_REASONING_AT, ReasoningSource, thinkingText } from './reasoning-source.js';
import { ThinkTags } from './think-tags.js';
import { ToolCallNumbering } from './tool-call-numbering.js';
import { usageOf } from './usage.js';

/** Members of a delta or message that are read, or known to say nothing to a client (recorded traffic of 26 providers, read 2026-11-21). */
const KNOWN_MEMBERS: ReadonlySet<string> = new Set(
  // Line by line: words cut out of one text put together here are no constants, and would be compared with names letter by letter (twice the time).
  [
    'role content reasoning_content reasoning reasoning_text reasoning_opaque reasoning_details thinking_content thinking_blocks refusal tool_calls function_call',
    'audio images annotations name token_id prefix tool_call_id channel padding obfuscation executed_tools reasoning_steps citations context end_turn graph_data llm_data',
  ].flatMap((line) => line.split(' ')),
);
/** Parts of a content list that only point at what a server's tool found (Mistral). */
const POINTERS: ReadonlySet<unknown> = new Set(['reference', 'tool_reference', 'tool_file', 'document_url']);
const MAX_STRANGERS = 10;

interface ChoiceReader {
  choice: number;
  reasoning: ReasoningSource;
  calls: ToolCallNumbering;
  tags: ThinkTags | null;
  finished: boolean;
}

/**
 * Reads chunks of one stream, or the one object of an answer in one piece, into canonical events. `message` stands where a
 * stream has `delta`; both have the same members.
 */
export class ChunkReader {
  private readonly choices = new Map<number, ChoiceReader>();
  private started = false;
  private finishedCount = 0;
  private events: ChatEvent[] = [];
  private readonly strangers = new Set<string>();
  private readonly emit: (event: ChatEvent) => void;

  constructor(
    private readonly dialect: ResponseDialect,
    private readonly whole = false,
  ) {
    // A constant first: assigned as a literal it would be allocated in the old generation, and keep its reader there.
    const emit = (event: ChatEvent): void => void this.events.push(event);
    this.emit = emit;
  }

  /** At least one choice was seen, and each that was has its finish reason. */
  get allFinished(): boolean {
    return this.finishedCount > 0 && this.finishedCount === this.choices.size;
  }

  get anyChoice(): boolean {
    return this.choices.size > 0;
  }

  read(chunk: JsonObject): ChatEvent[] {
    this.events = [];
    if (!this.started) this.start(chunk);
    const choices = chunk['choices'];
    if (Array.isArray(choices)) {
      for (let at = 0; at < choices.length; at += 1) this.choice(choices[at], at);
    }
    this.usage(chunk);
    return this.events;
  }

  /** What was held back, once nothing more can come. */
  flush(): ChatEvent[] {
    this.events = [];
    for (const reader of this.choices.values()) reader.tags?.end();
    return this.events;
  }

  private start(chunk: JsonObject): void {
    this.started = true;
    this.emit({ type: 'start', ...factsOf(chunk) });
  }

  private choice(raw: unknown, at: number): void {
    if (!isObject(raw)) return this.emit({ type: 'drift', what: 'choice:no_object' });
    const reader = this.readerOf(typeof raw['index'] === 'number' ? raw['index'] : at);
    this.said(raw, reader);
    if (isObject(raw['logprobs'])) this.emit({ type: 'logprobs', choice: reader.choice, value: raw['logprobs'] });
    const finish = raw['finish_reason'];
    if (typeof finish === 'string' && finish !== '') this.finish(finish, reader);
  }

  private said(raw: JsonObject, reader: ChoiceReader): void {
    // Perplexity sends both: an empty delta in whole answers, the text so far as message in streams (recorded 2026).
    const delta = this.whole ? (raw['message'] ?? raw['delta']) : (raw['delta'] ?? raw['message']);
    if (isObject(delta)) this.delta(delta, reader);
    else if (typeof raw['text'] === 'string') this.text(raw['text'], reader);
  }

  private delta(delta: JsonObject, reader: ChoiceReader): void {
    reader.reasoning.read(delta, this.emit);
    const { content } = delta;
    if (typeof content === 'string') this.text(content, reader);
    else if (Array.isArray(content)) this.parts(content, reader);
    const calls = delta['tool_calls'];
    if (Array.isArray(calls)) this.toolCalls(calls, reader);
    this.rarer(delta, reader);
    for (const name in delta) if (!KNOWN_MEMBERS.has(name)) this.stranger(name, delta[name]);
  }

  /** A member nobody here reads is counted, once per answer; in the native lane it survives besides. */
  private stranger(name: string, value: unknown): void {
    if (value === null || value === undefined || this.strangers.has(name) || this.strangers.size >= MAX_STRANGERS) return;
    this.strangers.add(name);
    this.emit({ type: 'drift', what: `delta:${name.slice(0, 40)}` });
  }

  /** Members that most deltas lack. */
  private rarer(delta: JsonObject, { choice, calls }: ChoiceReader): void {
    if (typeof delta['refusal'] === 'string' && delta['refusal'] !== '') this.emit({ type: 'refusal-delta', choice, text: delta['refusal'] });
    if (isObject(delta['function_call'])) calls.readLegacy(delta['function_call'], this.emit);
    if (isObject(delta['audio'])) this.emit({ type: 'audio-delta', choice, value: delta['audio'] });
    const { annotations, images } = delta;
    if (Array.isArray(annotations) && annotations.length > 0) this.emit({ type: 'annotations', choice, value: annotations as unknown[] });
    if (Array.isArray(images)) for (const image of images as unknown[]) this.image(image, choice);
  }

  private text(text: string, { choice, tags }: ChoiceReader): void {
    if (text === '') return;
    if (tags === null) this.emit({ type: 'text-delta', choice, text });
    else tags.push(text);
  }

  private parts(parts: readonly unknown[], reader: ChoiceReader): void {
    for (const part of parts) {
      if (!isObject(part)) continue;
      if (typeof part['text'] === 'string') this.text(part['text'], reader);
      else if (part['type'] === 'thinking' || part['type'] === 'reasoning') this.thinking(part, reader);
      else if (part['type'] === 'image_url') this.image(part, reader.choice);
      else if (!POINTERS.has(part['type'])) this.emit({ type: 'drift', what: `content_part:${String(part['type']).slice(0, 40)}` });
    }
  }

  private thinking(part: JsonObject, { choice, reasoning }: ChoiceReader): void {
    const text = thinkingText(part);
    if (text !== '' && reasoning.takesContentParts()) this.emit({ type: 'reasoning-delta', choice, text });
  }

  private image(raw: unknown, choice: number): void {
    const image = isObject(raw) ? raw['image_url'] : undefined;
    const url = isObject(image) ? image['url'] : image;
    if (typeof url !== 'string') return;
    const comma = url.startsWith('data:') ? url.indexOf(';base64,') : -1;
    const source: MediaSource = comma === -1 ? { kind: 'url', url } : { kind: 'inline', mediaType: url.slice(5, comma), data: url.slice(comma + 8) };
    this.emit({ type: 'image', choice, source });
  }

  private toolCalls(calls: readonly unknown[], reader: ChoiceReader): void {
    for (let at = 0; at < calls.length; at += 1) {
      const call = calls[at];
      // In an answer in one piece the place is the number, whatever the provider wrote.
      reader.calls.read(this.whole && isObject(call) ? { ...call, index: at } : call, this.emit);
    }
  }

  private finish(raw: string, reader: ChoiceReader): void {
    reader.tags?.end();
    const { reason, known } = finishReason(raw, this.dialect);
    if (!known) this.emit({ type: 'drift', what: `finish_reason:${raw.slice(0, 40)}` });
    if (!reader.finished) this.finishedCount += 1;
    reader.finished = true;
    this.emit({ type: 'finish', choice: reader.choice, reason, raw });
  }

  private usage(chunk: JsonObject): void {
    const found = usageOf(chunk, this.dialect);
    if (found !== undefined) this.emit({ type: 'usage', ...found });
  }

  private readerOf(choice: number): ChoiceReader {
    const known = this.choices.get(choice);
    if (known !== undefined) return known;
    const at = this.dialect.reasoningAt ?? DEFAULT_REASONING_AT;
    const reader: ChoiceReader = {
      choice,
      reasoning: new ReasoningSource(choice, at),
      calls: new ToolCallNumbering(choice),
      tags: at.includes('think_tags') ? this.thinkTags(choice) : null,
      finished: false,
    };
    this.choices.set(choice, reader);
    return reader;
  }

  private thinkTags(choice: number): ThinkTags {
    return new ThinkTags(
      (text) => this.emit({ type: 'reasoning-delta', choice, text }),
      (text) => this.emit({ type: 'text-delta', choice, text }),
    );
  }
}
