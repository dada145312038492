const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;
const ZERO = 0x30;
const COMMA = 0x2c;
const POINT = 0x2e;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const WORD_BYTES = 4;
const FIRST_BYTES = 16_384;
/** What integer arithmetic takes without becoming floating-point. */
const MAX_SMALL = 0x7fff_ffff;
/** A larger number is cut in two before its last six digits. */
const CUT = 1_000_000;
const CUT_DIGITS = 6;
const MAX_DIGITS = 16;
/** UTF-8 of one UTF-16 unit at most. */
const MAX_UNIT_BYTES = 3;
const SECOND_MS = 1_000;
/** Of `2026-11-30T09:00:00.000Z`, what stands before the milliseconds. */
const SECOND_CHARS = 20;
const MILLISECOND_DIGITS = 3;

/** ASCII that is written as it is, four characters at a time: a quarter of the time (2026-11-30). */
export interface Literal {
  readonly byteCount: number;
  /** Little-endian, the last one filled up with zeros. */
  readonly words: Int32Array;
}

function literal(ascii: string): Literal {
  const wordCount = Math.ceil(ascii.length / WORD_BYTES);
  const bytes = Buffer.alloc(wordCount * WORD_BYTES);
  bytes.write(ascii, 'latin1');
  return { byteCount: ascii.length, words: Int32Array.from({ length: wordCount }, (_, place) => bytes.readInt32LE(place * WORD_BYTES)) };
}

/** A member's name with its colon; the comma before it is written when it is needed. */
export const member = (name: string): Literal => literal(`"${name}":`);

const { charCodeAt } = String.prototype;

const NULL = literal('null');
const TRUE = literal('true');
const FALSE = literal('false');
const INSTANT_END = literal('Z"');

/**
 * JSON written into bytes that are used again and again, without objects and strings in between: those of a request's three journal
 * records were 13 kB of garbage (2026-11-30).
 */
export class JsonBytes {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  /** The same memory. */
  view = viewOf(this.bytes);
  length = 0;
  readonly #escape: (text: string) => string;
  #secondMs = Number.NaN;
  #second: Literal = NULL;

  /** @param escape a text that is not plain ASCII → a JSON string */
  constructor(escape: (text: string) => string = JSON.stringify) {
    this.#escape = escape;
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

  /** The outermost object, whatever stands before it. */
  beginWhole(): void {
    this.#byte(OPEN_OBJECT);
  }

  /** An element of an array. */
  beginObject(): void {
    this.#separate();
    this.#byte(OPEN_OBJECT);
  }

  beginObjectOf(name: Literal): void {
    this.#name(name);
    this.#byte(OPEN_OBJECT);
  }

  endObject(): void {
    this.#byte(CLOSE_OBJECT);
  }

  /** An element of an array. */
  beginArray(): void {
    this.#separate();
    this.#byte(OPEN_ARRAY);
  }

  beginArrayOf(name: Literal): void {
    this.#name(name);
    this.#byte(OPEN_ARRAY);
  }

  endArray(): void {
    this.#byte(CLOSE_ARRAY);
  }

  text(name: Literal, value: string | null): void {
    this.#name(name);
    if (value === null) this.#raw(NULL);
    else this.#quoted(value);
  }

  /** An element of an array. */
  textItem(value: string): void {
    this.#separate();
    this.#quoted(value);
  }

  number(name: Literal, value: number | null): void {
    this.#name(name);
    if (value === null) this.#raw(NULL);
    else this.#number(value);
  }

  /** An element of an array. */
  numberItem(value: number): void {
    this.#separate();
    this.#number(value);
  }

  /** Rounded to hundredths. */
  hundredths(name: Literal, value: number): void {
    this.#name(name);
    const count = Math.round(value * 100);
    if (count >= 0 && count <= MAX_SMALL) this.#hundredths(count);
    else this.#number(count / 100);
  }

  /** As a string, so that no reader makes a double of it. */
  money(name: Literal, nanoUsd: bigint): void {
    const value = Number(nanoUsd);
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) return this.text(name, String(nanoUsd));
    this.#name(name);
    this.#byte(QUOTE);
    this.#integer(value);
    this.#byte(QUOTE);
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
    this.#digits(Math.trunc(atMs - secondMs), MILLISECOND_DIGITS);
    this.#raw(INSTANT_END);
  }

  #name(name: Literal): void {
    this.#separate();
    this.#raw(name);
  }

  /** A comma, but for the first. No value ends in a bracket that opens. */
  #separate(): void {
    const before = this.bytes[this.length - 1];
    if (before !== OPEN_OBJECT && before !== OPEN_ARRAY) this.#byte(COMMA);
  }

  #raw({ byteCount, words }: Literal): void {
    this.reserve(byteCount + WORD_BYTES);
    const { view, length } = this;
    const wordCount = words.length;
    for (let place = 0; place < wordCount; place += 1) view.setInt32(length + place * WORD_BYTES, words[place] as number, true);
    this.length = length + byteCount;
  }

  #byte(code: number): void {
    this.reserve(1);
    this.bytes[this.length] = code;
    this.length += 1;
  }

  #quoted(value: string): void {
    const start = this.length;
    this.#byte(QUOTE);
    if (this.#ascii(value)) return this.#byte(QUOTE);
    this.length = start;
    this.write(this.#escape(value));
  }

  /**
   * False when it has something that JSON escapes or that is not ASCII: then it is half written. Nothing is asked of the string by
   * name in the loop: strings come in more kinds than V8 tells apart in one place, so that each asking is a search (6 ns, 2026-11-30).
   */
  #ascii(value: string): boolean {
    const count = value.length;
    this.reserve(count);
    const { bytes, length } = this;
    for (let index = 0; index < count; index += 1) {
      const code = charCodeAt.call(value, index);
      if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) return false;
      bytes[length + index] = code;
    }
    this.length = length + count;
    return true;
  }

  #number(value: number): void {
    if (value >= 0 && Number.isSafeInteger(value)) this.#integer(value);
    else if (Number.isFinite(value)) this.#ascii(String(value));
    else this.#raw(NULL);
  }

  #integer(value: number): void {
    if (value <= MAX_SMALL) return this.#digits(value, digitCountOf(value));
    const high = Math.floor(value / CUT);
    this.#integer(high);
    this.#digits(value - high * CUT, CUT_DIGITS);
  }

  #hundredths(count: number): void {
    const whole = Math.floor(count / 100);
    const rest = count - whole * 100;
    this.#digits(whole, digitCountOf(whole));
    if (rest === 0) return;
    this.#byte(POINT);
    if (rest % 10 === 0) this.#digits(rest / 10, 1);
    else this.#digits(rest, 2);
  }

  /** The last so many digits of a small integer. */
  #digits(value: number, digitCount: number): void {
    this.reserve(MAX_DIGITS);
    const { bytes, length } = this;
    let left = value | 0;
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

function digitCountOf(value: number): number {
  let count = 1;
  for (let power = 10; value >= power; power *= 10) count += 1;
  return count;
}
