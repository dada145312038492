import type { ChatEvent, FrameShape, StreamItem } from '../../chat/event.js';
import { closingQuote, type JsonObject } from '../../json/index.js';
import { cut, unitAt } from '../../text/index.js';
import type { SseFrame } from './decode-sse.js';

/** Stands for a text in a frame; long and odd enough to be nowhere else. */
export const PROBE = 'og-probe-6f1d0c5e';
/** A stream whose frames differ in more than their text (OpenAI's `obfuscation`) is not tried again and again. */
const MAX_LESSONS = 4;
/** Shorter slices are copies; a longer one would keep the whole piece it was cut from as long as the text is kept. */
const MAX_COPIED_CHARS = 12;
const LEAD = /^(?:event: ?[^\r\n]*\r?\n)?data: ?$/;
const ENDINGS: readonly string[] = ['\r\n\r\n', '\n\n'];
/** A member that counts. Within a JSON string its quotes would be escaped. */
const COUNT = /("[A-Za-z]+[cC]ount": ?)(?:0|[1-9]\d{0,14})(?=\s*[,}])/g;
const MAX_DIGITS = 15;
const ZERO = 48;
const NINE = 57;
const BACKSLASH = 92;
const FIRST_PRINTED = 32;

/** What a protocol's frames of plain text look like. */
export interface TextRule {
  /** How the text begins, as servers write it. */
  openings: readonly string[];
  /** The text of a parsed frame that says nothing besides; undefined when it says more. */
  textOf(frame: JsonObject): unknown;
  /** Members named `…Count` behind this mark are stated anew in every frame; they are read from the last one. */
  countsBehind?: string;
}

interface Lesson {
  /** All before the text: field names of the event stream, then JSON. */
  opening: string;
  dataAt: number;
  /** All behind the text and its quote, cut where a number may differ; the last piece by itself, which ends the frame. */
  tail: readonly string[];
  last: string;
  /** The last piece and what the next frame begins with: frames of one shape follow one another. */
  lastAndOpening: string;
  /** How many characters of line ends stand behind the JSON. */
  endChars: number;
  shape: FrameShape;
  choice: number;
  event: string | undefined;
}

/** Where a frame's JSON stands. */
interface Place {
  block: string;
  from: number;
  to: number;
}

/** A plain text frame. `raw` is parsed when somebody asks for it, which on the quick way nobody does. */
export class QuickTextItem implements StreamItem {
  readonly events: ChatEvent[];
  readonly choice: number;
  declare readonly shape?: FrameShape;
  declare readonly rawEvent?: string;
  private parsed: JsonObject | undefined;

  constructor(
    readonly text: string,
    readonly varying: string,
    private readonly place: Place,
    { choice, tail, shape, event }: Lesson,
  ) {
    this.events = [{ type: 'text-delta', choice, text }];
    this.choice = choice;
    // With numbers that differ the frame is not its shape around the text.
    if (tail.length === 0) this.shape = shape;
    if (event !== undefined) this.rawEvent = event;
  }

  get rawText(): string {
    return cut(this.place.block, this.place.from, this.place.to);
  }

  get raw(): JsonObject {
    this.parsed ??= JSON.parse(this.rawText) as JsonObject;
    return this.parsed;
  }
}

/**
 * Nearly all frames of a stream are one text delta in the same surroundings. What these are is learned from a frame that was read
 * in full; a frame with the same ones is read by taking its text out of the bytes, before lines are looked for. A frame that
 * differs anywhere else is read in full.
 */
export class QuickText {
  private lesson: Lesson | undefined;
  private lessonCount = 0;
  /** Behind the frame that was taken last begins another one of its shape. */
  private isFollowed = false;

  constructor(
    private readonly rule: TextRule,
    private readonly sink: (item: QuickTextItem) => void,
  ) {}

  /** Takes the frame at `at`, the beginning of a line, and all of its shape that follow; tells where the next one begins; -1 when it must be read in full. */
  take(block: string, at: number): number {
    const { lesson } = this;
    if (lesson === undefined || !isAt(block, at, lesson.opening)) return -1;
    let start = at;
    for (;;) {
      const next = this.takeOne(block, start, lesson);
      if (next === -1) return start === at ? -1 : start;
      if (!this.isFollowed) return next;
      start = next;
    }
  }

  /** The frame at `at`, whose opening was seen. */
  private takeOne(block: string, at: number, lesson: Lesson): number {
    const from = at + lesson.opening.length;
    const end = closingQuote(block, from);
    // An empty text says nothing, and so no event.
    const lastAt = end <= from ? -1 : tailEnd(lesson.tail, block, end);
    if (lastAt === -1) return -1;
    this.isFollowed = isAt(block, lastAt, lesson.lastAndOpening);
    const text = this.isFollowed || isAt(block, lastAt, lesson.last) ? textAt(block, from, end) : null;
    if (text === null) return -1;
    const next = lastAt + lesson.last.length;
    this.sink(new QuickTextItem(text, cut(block, from, end), { block, from: at + lesson.dataAt, to: next - lesson.endChars }, lesson));
    return next;
  }

  /** From a frame that was read in full, as it stood among the others, with the events it gave. */
  learn({ data, event }: SseFrame, wire: string, events: readonly ChatEvent[]): void {
    const [first] = events;
    if (this.lessonCount >= MAX_LESSONS || first?.type !== 'text-delta' || !this.isAlone(events)) return;
    this.lessonCount += 1;
    const shape = shapeOf(data, this.rule.openings);
    const ending = ENDINGS.find((candidate) => wire.endsWith(candidate));
    if (shape === null || ending === undefined) return;
    const dataAt = Math.max(0, wire.length - ending.length - data.length);
    const lead = wire.slice(0, dataAt);
    if (!isAt(wire, dataAt, data) || !LEAD.test(lead) || !this.isTheText(shape)) return;
    const opening = lead + shape.before;
    const tail = tailOf(shape.after + ending, this.rule.countsBehind);
    const last = tail.pop() as string;
    this.lesson = { opening, dataAt: lead.length, tail, last, lastAndOpening: last + opening, endChars: ending.length, shape, choice: first.choice, event };
  }

  /** What was learned no longer holds: the block it was learned in is over. */
  forget(): void {
    this.lesson = undefined;
    this.lessonCount = 0;
  }

  private isAlone(events: readonly ChatEvent[]): boolean {
    return events.length === 1 || (events.length === 2 && this.rule.countsBehind !== undefined && events[1]?.type === 'usage');
  }

  /** The string that varies is the frame's text, not one of the same name elsewhere. */
  private isTheText(shape: FrameShape): boolean {
    try {
      shape.probed = JSON.parse(`${shape.before}${PROBE}${shape.after}`) as JsonObject;
      return this.rule.textOf(shape.probed) === PROBE;
    } catch {
      return false;
    }
  }
}

/** Around the one string with such a name; null when there is none, or more than one. */
function shapeOf(data: string, openings: readonly string[]): FrameShape | null {
  const opening = openings.find((candidate) => data.includes(candidate));
  if (opening === undefined) return null;
  const from = data.indexOf(opening) + opening.length;
  const end = closingQuote(data, from);
  if (end === -1 || openings.some((candidate) => data.includes(candidate, from))) return null;
  return { before: data.slice(0, from), after: data.slice(end) };
}

/** In pieces between the numbers that may differ; the last one ends in the empty line that ends a frame. */
function tailOf(after: string, countsBehind: string | undefined): string[] {
  const mark = countsBehind === undefined ? -1 : after.indexOf(countsBehind);
  if (mark === -1) return [after];
  const pieces: string[] = [];
  let at = 0;
  for (const match of after.slice(mark).matchAll(COUNT)) {
    const numberAt = mark + match.index + (match[1] as string).length;
    pieces.push(after.slice(at, numberAt));
    at = mark + match.index + match[0].length;
  }
  return [...pieces, after.slice(at)];
}

/** Behind pieces and numbers that begin at `at`; -1 when something else stands there. */
function tailEnd(pieces: readonly string[], block: string, at: number): number {
  let end = at;
  for (let index = 0; index < pieces.length; index += 1) {
    const piece = pieces[index] as string;
    if (!isAt(block, end, piece)) return -1;
    end = numberEnd(block, end + piece.length);
    if (end === -1) return -1;
  }
  return end;
}

/** A slice is compared in words, `startsWith` unit by unit: a third of the time for some 200 characters (Node 24, 2026-11-30). */
function isAt(block: string, at: number, piece: string): boolean {
  return cut(block, at, at + piece.length) === piece;
}

/** Behind a whole number as JSON writes it. */
function numberEnd(block: string, at: number): number {
  let end = at;
  while (end - at < MAX_DIGITS && isDigit(unitAt(block, end))) end += 1;
  return end === at || (end - at > 1 && unitAt(block, at) === ZERO) ? -1 : end;
}

const isDigit = (unit: number): boolean => unit >= ZERO && unit <= NINE;

/** What the content of a JSON string says; null when it is none: then the frame is not of this shape after all. */
function textAt(block: string, from: number, end: number): string | null {
  return end - from <= MAX_COPIED_CHARS && isPlain(block, from, end) ? cut(block, from, end) : parsed(cut(block, from, end));
}

/** Nothing in it needs more than a look. */
function isPlain(block: string, from: number, end: number): boolean {
  for (let at = from; at < end; at += 1) {
    const unit = unitAt(block, at);
    if (unit < FIRST_PRINTED || unit === BACKSLASH) return false;
  }
  return true;
}

function parsed(varying: string): string | null {
  try {
    return JSON.parse(`"${varying}"`) as string;
  } catch {
    return null;
  }
}
