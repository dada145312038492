import type { ChatEvent, FrameShape, StreamItem } from '../../chat/event.js';

/** Stands for a text in a frame; long and odd enough to be nowhere else. */
export const PROBE = 'og-probe-6f1d0c5e';
/** A stream whose frames differ in more than their text (OpenAI's `obfuscation`) is not tried again and again. */
const MAX_LESSONS = 4;
/** Compact, and as Python writes it. */
const OPENINGS = ['"content":"', '"content": "'] as const;
/** A character that needs more than a look. */
// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const SPECIAL = /["\\\u0000-\u001f]/;

/** A plain text frame. `raw` is parsed when somebody asks for it, which on the quick way nobody does. */
class PlainTextItem implements StreamItem {
  readonly events: ChatEvent[];
  private parsed: Record<string, unknown> | undefined;

  constructor(
    event: ChatEvent,
    readonly shape: FrameShape,
    readonly varying: string,
    readonly rawText: string,
  ) {
    this.events = [event];
  }

  get raw(): Record<string, unknown> {
    this.parsed ??= JSON.parse(this.rawText) as Record<string, unknown>;
    return this.parsed;
  }
}

/**
 * Nearly all frames of a stream are one text delta in the same surroundings. What these are is learned from a frame that was
 * parsed in full; a frame with the same ones is read by taking its text out, at a fifth of the cost. A frame that differs
 * anywhere else is parsed.
 */
export class FrameShapes {
  private shape: FrameShape | undefined;
  private choice = 0;
  private lessonCount = 0;

  match(data: string): PlainTextItem | null {
    const { shape } = this;
    if (shape === undefined || data.length <= shape.before.length + shape.after.length) return null;
    const { before, after } = shape;
    if (data.slice(0, before.length) !== before || data.slice(-after.length) !== after) return null;
    const varying = data.slice(before.length, -after.length);
    const text = SPECIAL.test(varying) ? textOf(varying) : varying;
    if (text === null) return null;
    return new PlainTextItem({ type: 'text-delta', choice: this.choice, text }, shape, varying, data);
  }

  /** From a frame that was read in full, with the events it gave. */
  learn(data: string, events: readonly ChatEvent[]): void {
    const [event] = events;
    if (this.lessonCount >= MAX_LESSONS || events.length !== 1 || event?.type !== 'text-delta') return;
    this.lessonCount += 1;
    const shape = shapeOf(data);
    if (shape === null || !isTheDelta(shape)) return;
    this.shape = shape;
    this.choice = event.choice;
  }
}

/** Around the one string named content; null when there is none, or more than one. */
function shapeOf(data: string): FrameShape | null {
  const opening = OPENINGS.find((candidate) => data.includes(candidate));
  if (opening === undefined) return null;
  const from = data.indexOf(opening) + opening.length;
  if (OPENINGS.some((candidate) => data.includes(candidate, from))) return null;
  let end = from;
  while (end < data.length && data[end] !== '"') end += data[end] === '\\' ? 2 : 1;
  return { before: data.slice(0, from), after: data.slice(end) };
}

/** The string that varies is the only choice's text. */
function isTheDelta({ before, after }: FrameShape): boolean {
  try {
    const probe = JSON.parse(`${before}${PROBE}${after}`) as { choices?: { delta?: { content?: unknown } }[] };
    return probe.choices?.length === 1 && probe.choices[0]?.delta?.content === PROBE;
  } catch {
    return false;
  }
}

/** Null when it is no content of a JSON string: then the frame is not of this shape after all. */
function textOf(varying: string): string | null {
  try {
    return JSON.parse(`"${varying}"`) as string;
  } catch {
    return null;
  }
}
