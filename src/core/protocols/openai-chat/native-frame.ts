import type { ChatEvent, FrameShape, StreamItem } from '../../chat/event.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { RenderContext } from '../protocol.js';
import { PROBE } from '../sse/index.js';
import type { RenderedChoice } from './render-delta.js';

/** Members of a delta that are rendered from the events; every other one survives as it came. */
const RENDERED: ReadonlySet<string> = new Set([
  'role',
  'content',
  'reasoning_content',
  'reasoning',
  'thinking_content',
  'refusal',
  'tool_calls',
  'function_call',
  'audio',
  'images',
  'annotations',
]);
const CLOSE_BRACE = 0x7d;
/** A shape that cannot be rendered by template is not tried again and again. */
const MAX_LESSONS = 3;
const USAGE_NULL = ',"usage":null';

/** The head of a frame, up to and with `"choices":`, as the upstream writes it and as we do. */
interface Template {
  theirs: string;
  ours: string;
}

/**
 * Frames of a same-protocol upstream, passed on with only what we answer for replaced: id, object, created, model, usage,
 * finish reasons, the names of reasoning fields. Plain text frames are patched by a template learned from an earlier frame;
 * a frame that does not match it is patched as an object.
 */
export class NativeFrames {
  private template: Template | undefined;
  private shape: FrameShape | undefined;
  private rendered: FrameShape | undefined;
  private lessonCount = 0;
  /** Members of frames without a choice (Azure's `prompt_filter_results`), added to the next frame that has one. */
  private waiting: JsonObject | undefined;

  constructor(private readonly context: RenderContext) {}

  /** The quickest way: a frame that differs from an earlier one in its text alone, by how that one was rendered. */
  byShape(item: StreamItem): string | null {
    const { shape, varying } = item;
    if (shape === undefined || varying === undefined || this.waiting !== undefined) return null;
    // Without a template nothing can be learned yet; the frame after this one may bring it.
    if (shape !== this.shape || (this.rendered === undefined && this.template !== undefined && this.lessonCount < MAX_LESSONS)) this.learnShape(shape);
    const { rendered } = this;
    return rendered === undefined ? null : `${rendered.before}${varying}${rendered.after}`;
  }

  private learnShape(shape: FrameShape): void {
    this.lessonCount = shape === this.shape ? this.lessonCount + 1 : 0;
    this.shape = shape;
    const rawText = `${shape.before}${PROBE}${shape.after}`;
    const raw = shape.probed ?? (JSON.parse(rawText) as JsonObject);
    const text = this.byTemplate({ events: [{ type: 'text-delta', choice: 0, text: PROBE }], raw, rawText }) ?? '';
    const at = text.indexOf(PROBE);
    this.rendered = at === -1 ? undefined : { before: text.slice(0, at), after: text.slice(at + PROBE.length) };
  }

  /** The frame's text by template; null when it must be patched as an object. Only for frames of plain text. */
  byTemplate(item: StreamItem): string | null {
    const { template } = this;
    const text = item.rawText;
    // Comparing a slice costs a twentieth of startsWith on text that is itself a slice (measured on Node 24, 2026-11).
    if (template === undefined || this.waiting !== undefined || text === undefined || text.slice(0, template.theirs.length) !== template.theirs || !isPlain(item)) return null;
    const rest = text.slice(template.theirs.length);
    const patched = this.patchUsage(rest, item.raw as JsonObject);
    return patched === null ? null : `data: ${template.ours}${patched}\n\n`;
  }

  /** The frame as an object with `choices` from the events; '' when it has nothing for the client. */
  byObject(item: StreamItem, choices: ReadonlyMap<number, RenderedChoice>, roleOf: (choice: number) => JsonObject): string {
    const raw = item.raw as JsonObject;
    const rawChoices = Array.isArray(raw['choices']) ? (raw['choices'] as unknown[]) : [];
    if (rawChoices.length === 0) {
      this.wait(raw);
      return '';
    }
    if (item.rawText !== undefined) this.learn(item.rawText, raw);
    const frame: JsonObject = { ...this.waiting, ...raw, ...this.identity() };
    this.waiting = undefined;
    frame['choices'] = rawChoices.map((choice, at) => this.patchChoice(choice, at, choices, roleOf));
    delete frame['usage'];
    if (this.context.includeUsage) frame['usage'] = null;
    return `data: ${JSON.stringify(frame)}\n\n`;
  }

  private patchChoice(raw: unknown, at: number, choices: ReadonlyMap<number, RenderedChoice>, roleOf: (choice: number) => JsonObject): unknown {
    if (!isObject(raw)) return { index: at, delta: {}, finish_reason: null };
    const index = typeof raw['index'] === 'number' ? raw['index'] : at;
    const rendered = choices.get(index);
    const delta: JsonObject = { ...roleOf(index), ...rendered?.delta };
    if (isObject(raw['delta'])) this.keepUnknown(raw['delta'], delta);
    return { ...raw, index, delta, finish_reason: rendered?.finish ?? null };
  }

  private keepUnknown(from: JsonObject, delta: JsonObject): void {
    for (const [key, value] of Object.entries(from)) {
      if (this.survives(key, value) && (key === 'reasoning_details' || !Object.hasOwn(delta, key))) delta[key] = value;
    }
  }

  /** The provider's own reasoning_details stay as they came, unless no reasoning is wanted. */
  private survives(key: string, value: unknown): boolean {
    if (key === 'reasoning_details') return this.context.reasoningField !== 'none';
    return !RENDERED.has(key) || (key === 'content' && (value === null || value === ''));
  }

  private identity(): JsonObject {
    const { responseId, createdS, model } = this.context;
    return { id: responseId, object: 'chat.completion.chunk', created: createdS, model };
  }

  private wait(raw: JsonObject): void {
    const { id: _id, object: _object, created: _created, model: _model, choices: _choices, usage: _usage, ...others } = raw;
    if (Object.keys(others).length > 0) this.waiting = { ...this.waiting, ...others };
  }

  /** `usage` stands after the choices, null or absent; whether the client sees it depends on what it asked for. */
  private patchUsage(rest: string, raw: JsonObject): string | null {
    const wanted = this.context.includeUsage;
    const stated = raw['usage'];
    if (stated === null && wanted) return rest;
    if (stated === undefined && !wanted) return rest;
    if (rest.charCodeAt(rest.length - 1) !== CLOSE_BRACE) return null;
    if (stated === undefined) return `${rest.slice(0, -1)}${USAGE_NULL}}`;
    if (stated !== null) return null;
    const cut = rest.length - USAGE_NULL.length - 1;
    if (rest.slice(cut, -1) === USAGE_NULL) return `${rest.slice(0, cut)}}`;
    const at = rest.lastIndexOf(USAGE_NULL);
    return at === -1 ? null : rest.slice(0, at) + rest.slice(at + USAGE_NULL.length);
  }

  /** Only a frame whose identity stands before its choices can serve. */
  private learn(text: string, raw: JsonObject): void {
    if (this.template !== undefined && text.startsWith(this.template.theirs)) return;
    this.template = undefined;
    const at = text.indexOf('"choices":');
    if (at === -1) return;
    const keys = Object.keys(raw);
    const head = keys.slice(0, keys.indexOf('choices'));
    const needed = ['id', 'object', 'created', 'model', 'usage'].filter((key) => key !== 'usage' && Object.hasOwn(raw, key));
    if (!needed.every((key) => head.includes(key)) || head.includes('usage')) return;
    const theirs = text.slice(0, at + '"choices":'.length);
    const parsed = parseHead(theirs);
    if (parsed === null || Object.keys(parsed).length !== head.length + 1) return;
    const { choices: _choices, ...others } = parsed;
    const ours = JSON.stringify({ ...others, ...this.identity() });
    this.template = { theirs, ours: `${ours.slice(0, -1)},"choices":` };
  }
}

function parseHead(theirs: string): JsonObject | null {
  try {
    const value = JSON.parse(`${theirs}0}`) as unknown;
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** The frame itself says what its one event says: a string of text, and no end. */
function isPlain({ raw, events }: StreamItem): boolean {
  const [choice] = (raw as { choices: JsonObject[] }).choices;
  const delta = choice?.['delta'];
  if (!isObject(delta) || (choice?.['finish_reason'] ?? null) !== null) return false;
  return delta['content'] === (events[0] as { text: string }).text;
}

/** One event, and it is text: such a frame can be patched by template. */
export function plainTextChoice(events: readonly ChatEvent[]): number | null {
  const [event] = events;
  return events.length === 1 && event?.type === 'text-delta' ? event.choice : null;
}
