const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const TILDE = 0x7e;
const ZERO = 0x30;
const FIRST_BYTES = 16_384;
/** What integer arithmetic takes without becoming floating-point. */
const MAX_SMALL = 0x7fff_ffff;
/** A larger number is cut in two before its last six digits. */
const CUT = 1_000_000;
const CUT_DIGITS = 6;
const MAX_DIGITS = 16;

/** Bytes that are written as they are. */
export function literal(ascii: string): Uint8Array {
  return Uint8Array.from(Buffer.from(ascii, 'latin1'));
}

const NULL = literal('null');
const TRUE = literal('true');
const FALSE = literal('false');

/**
 * JSON written into bytes that are used again and again, without strings in between: those of a request's three records were 13 kB
 * of garbage (2026-11-30). A name comes with everything that stands before its value: `,"name":`.
 */
export class JsonBytes {
  bytes: Buffer = Buffer.allocUnsafeSlow(FIRST_BYTES);
  length = 0;
  /** False once a text had something that JSON escapes or that is not ASCII: what was written then is no JSON. */
  isPlain = true;

  raw(written: Uint8Array): void {
    this.reserve(written.length);
    const { bytes, length } = this;
    for (let index = 0; index < written.length; index += 1) bytes[length + index] = written[index] as number;
    this.length = length + written.length;
  }

  text(name: Uint8Array, value: string | null): void {
    this.raw(name);
    if (value === null) this.raw(NULL);
    else this.#quoted(value);
  }

  number(name: Uint8Array, value: number | null): void {
    this.raw(name);
    if (value === null) this.raw(NULL);
    else if (value >= 0 && Number.isSafeInteger(value)) this.#integer(value);
    else this.#ascii(String(value));
  }

  /** As a string, so that no reader makes a double of it. */
  money(name: Uint8Array, nanoUsd: bigint): void {
    const value = Number(nanoUsd);
    if (value < 0 || value > Number.MAX_SAFE_INTEGER) return this.text(name, String(nanoUsd));
    this.raw(name);
    this.#byte(QUOTE);
    this.#integer(value);
    this.#byte(QUOTE);
  }

  flag(name: Uint8Array, value: boolean): void {
    this.raw(name);
    this.raw(value ? TRUE : FALSE);
  }

  /** Room for so many bytes more. */
  reserve(byteCount: number): void {
    if (this.length + byteCount <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.length + byteCount, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  #quoted(value: string): void {
    this.#byte(QUOTE);
    this.#ascii(value);
    this.#byte(QUOTE);
  }

  #byte(code: number): void {
    this.reserve(1);
    this.bytes[this.length] = code;
    this.length += 1;
  }

  #ascii(value: string): void {
    this.reserve(value.length);
    const { bytes, length } = this;
    for (let index = 0; index < value.length; index += 1) {
      const code = value.charCodeAt(index);
      if (code < SPACE || code > TILDE || code === QUOTE || code === BACKSLASH) this.isPlain = false;
      bytes[length + index] = code;
    }
    this.length = length + value.length;
  }

  #integer(value: number): void {
    if (value <= MAX_SMALL) return this.#digits(value, digitCountOf(value));
    const high = Math.floor(value / CUT);
    this.#integer(high);
    this.#digits(value - high * CUT, CUT_DIGITS);
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

function digitCountOf(value: number): number {
  let count = 1;
  for (let power = 10; value >= power; power *= 10) count += 1;
  return count;
}
