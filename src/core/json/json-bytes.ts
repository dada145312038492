import { unitAt } from '../text/index.js';
import { digitCountOf } from './digit-count.js';
import { literal, WORD_BYTES, type Literal } from './json-literal.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
/** From the space to the tilde. */
const PLAIN_SPAN = 0x7e - SPACE;
const ZERO = 0x30;
const COLON = 0x3a;
const COMMA = 0x2c;
const POINT = 0x2e;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const FIRST_BYTES = 16_384;
/** What integer arithmetic takes without becoming floating-point. */
const MAX_SMALL = 0x7fff_ffff;
/** A larger number is cut in two before its last six digits. */
const CUT = 1_000_000;
const CUT_DIGITS = 6;
/** Room for all that is no text: a comma, quotes, brackets, the digits of a number, an instant, the last word of a name. */
const SLACK_BYTES = 64;
/** UTF-8 of one UTF-16 unit at most. */
const MAX_UNIT_BYTES = 3;
const SECOND_MS = 1_000;
/** Of `2026-11-30T09:00:00.000Z`, what stands before the milliseconds. */
const SECOND_CHARS = 20;
const MILLISECOND_DIGITS = 3;

const NULL = literal('null');
const TRUE = literal('true');
const FALSE = literal('false');
const INSTANT_END = literal('Z"');

/**
 * JSON written into bytes that are used again and again, without objects and strings in between: those of a request's three journal
 * records were 13 kB of garbage (2026-11-30).
 */
export class JsonBytes {
  bytes: Buffer;
  /** The same memory. */
  view: DataView;
  length = 0;
  readonly #escape: (text: string) => string;
  #secondMs = Number.NaN;
  #second: Literal = NULL;

  /** @param escape a text that is not plain ASCII → a JSON string */
  constructor(escape: (text: string) => string = JSON.stringify, firstBytes = FIRST_BYTES) {
    this.#escape = escape;
    this.bytes = Buffer.allocUnsafeSlow(firstBytes);
    this.view = viewOf(this.bytes);
  }

  /** Room for so many bytes more. */
  reserve(byteCount: number): void {
    if (this.length + byteCount <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + byteCount, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
    this.view = viewOf(larger);
  }

  /** UTF-8, as it is: no JSON of its own. */
  write(text: string): void {
    this.reserve(text.length * MAX_UNIT_BYTES);
    this.length += this.bytes.write(text, this.length, 'utf8');
  }

  /**
   * The characters of a text; false, and nothing is written, when it has something that JSON escapes or that is not ASCII. Nothing is
   * asked of the string by name in the loop: strings come in more kinds than V8 tells apart in one place, so that each asking is a
   * search (6 ns, 2026-11-30). Up to some forty characters it is quicker than `Buffer.write`.
   */
  plain(value: string): boolean {
    this.reserve(value.length);
    return this.#plain(value);
  }

  /** The outermost object, whatever stands before it. */
  beginWhole(): void {
    this.reserve(SLACK_BYTES);
    this.#byte(OPEN_OBJECT);
  }

  /** An element of an array. */
  beginObject(): void {
    this.reserve(SLACK_BYTES);
    this.#separate();
    this.#byte(OPEN_OBJECT);
  }

  beginObjectOf(name: Literal): void {
    this.#name(name);
    this.#byte(OPEN_OBJECT);
  }

  endObject(): void {
    this.reserve(SLACK_BYTES);
    this.#byte(CLOSE_OBJECT);
  }

  /** An element of an array. */
  beginArray(): void {
    this.reserve(SLACK_BYTES);
    this.#separate();
    this.#byte(OPEN_ARRAY);
  }

  beginArrayOf(name: Literal): void {
    this.#name(name);
    this.#byte(OPEN_ARRAY);
  }

  endArray(): void {
    this.reserve(SLACK_BYTES);
    this.#byte(CLOSE_ARRAY);
  }

  text(name: Literal, value: string | null): void {
    this.#name(name, value === null ? 0 : value.length);
    if (value === null) this.#raw(NULL);
    else this.#quoted(value);
  }

  /** An element of an array. */
  textItem(value: string): void {
    this.reserve(value.length + SLACK_BYTES);
    this.#separate();
    this.#quoted(value);
  }

  /** Members that are always the same, or the beginning of one whose value is JSON already. */
  literal(members: Literal, json = ''): void {
    this.#name(members);
    if (json !== '') this.write(json);
  }

  /** What goes on where `literal` stopped. */
  more(rest: Literal): void {
    this.reserve(rest.byteCount + SLACK_BYTES);
    this.#raw(rest);
  }

  /** A member under a name that nobody knew before; not for undefined. */
  named(name: string, value: unknown): void {
    this.reserve(name.length + SLACK_BYTES);
    this.#separate();
    this.#quoted(name);
    this.reserve((typeof value === 'string' ? value.length : 0) + SLACK_BYTES);
    this.#byte(COLON);
    if (typeof value === 'string') this.#quoted(value);
    else if (value === null) this.#raw(NULL);
    else this.write(JSON.stringify(value));
  }

  number(name: Literal, value: number | null): void {
    this.#name(name);
    if (value === null) this.#raw(NULL);
    else this.#number(value);
  }

  /** An element of an array. */
  numberItem(value: number): void {
    this.reserve(SLACK_BYTES);
    this.#separate();
    this.#number(value);
  }

  /** Rounded to hundredths. */
  hundredths(name: Literal, value: number): void {
    this.#name(name);
    this.#rounded(value);
  }

  /** An element of an array. */
  hundredthsItem(value: number): void {
    this.reserve(SLACK_BYTES);
    this.#separate();
    this.#rounded(value);
  }

  flag(name: Literal, value: boolean): void {
    this.#name(name);
    this.#raw(value ? TRUE : FALSE);
  }

  /** As `toISOString` has it; throws its RangeError. The second is mostly the one before. */
  instant(name: Literal, atMs: number): void {
    const second = Math.floor(atMs / SECOND_MS);
    const secondMs = second * SECOND_MS;
    if (secondMs !== this.#secondMs) {
      this.#second = literal(`"${new Date(secondMs).toISOString().slice(0, SECOND_CHARS)}`);
      this.#secondMs = secondMs;
    }
    this.#name(name);
    this.#raw(this.#second);
    this.#digits((atMs - secondMs) | 0, MILLISECOND_DIGITS);
    this.#raw(INSTANT_END);
  }

  /** With room for what follows: from here on nothing is reserved. */
  #name(name: Literal, textBytes = 0): void {
    this.reserve(name.byteCount + textBytes + SLACK_BYTES);
    this.#separate();
    this.#raw(name);
  }

  /** A comma, but for the first. No value ends in a bracket that opens. */
  #separate(): void {
    const before = this.bytes[this.length - 1];
    if (before !== OPEN_OBJECT && before !== OPEN_ARRAY) this.#byte(COMMA);
  }

  #raw({ byteCount, words }: Literal): void {
    const { view, length } = this;
    const wordCount = words.length;
    for (let place = 0; place < wordCount; place += 1) view.setInt32(length + place * WORD_BYTES, words[place] as number, true);
    this.length = length + byteCount;
  }

  #byte(code: number): void {
    this.bytes[this.length] = code;
    this.length += 1;
  }

  #plain(value: string): boolean {
    const count = value.length;
    const { bytes, length } = this;
    for (let index = 0; index < count; index += 1) {
      const code = unitAt(value, index);
      if ((code - SPACE) >>> 0 > PLAIN_SPAN || code === QUOTE || code === BACKSLASH) return false;
      bytes[length + index] = code;
    }
    this.length = length + count;
    return true;
  }

  #quoted(value: string): void {
    const start = this.length;
    this.#byte(QUOTE);
    if (this.#plain(value)) return this.#byte(QUOTE);
    this.length = start;
    this.write(this.#escape(value));
  }

  #number(value: number): void {
    if (value >= 0 && Number.isSafeInteger(value)) this.#integer(value);
    else if (Number.isFinite(value)) this.#plain(String(value));
    else this.#raw(NULL);
  }

  #integer(value: number): void {
    if (value <= MAX_SMALL) return this.#small(value | 0);
    const high = Math.floor(value / CUT);
    this.#integer(high);
    this.#digits((value - high * CUT) | 0, CUT_DIGITS);
  }

  #rounded(value: number): void {
    const count = Math.round(value * 100);
    if (count >= 0 && count <= MAX_SMALL) this.#hundredths(count | 0);
    else this.#number(count / 100);
  }

  #hundredths(count: number): void {
    const whole = (count / 100) | 0;
    const rest = count - whole * 100;
    this.#small(whole);
    if (rest === 0) return;
    this.#byte(POINT);
    if (rest % 10 === 0) this.#digits((rest / 10) | 0, 1);
    else this.#digits(rest, 2);
  }

  /** Most are counts of one digit. */
  #small(value: number): void {
    if (value < 10) this.#byte(ZERO + value);
    else this.#digits(value, digitCountOf(value));
  }

  /** The last so many digits of a small integer. */
  #digits(value: number, digitCount: number): void {
    const { bytes, length } = this;
    let left = value;
    for (let at = length + digitCount - 1; at >= length; at -= 1) {
      const tenth = (left / 10) | 0;
      bytes[at] = ZERO + left - tenth * 10;
      left = tenth;
    }
    this.length = length + digitCount;
  }
}

function viewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
