import { JsonBytes } from '../../core/json/index.js';
import type { RepeatedTexts } from './repeated-texts.js';
import { storableJson } from './storable-json.js';

/** A CopyData message, of whatever length, and the head of the form itself. */
const HEAD = 'd\0\0\0\0PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0';
/** Counts itself, but not the letter before it. */
const MESSAGE_LENGTH_AT = 1;
const LENGTH_BYTES = 4;
const LONG_BYTES = 8;
/** PostgreSQL counts time from 2000-01-01, in microseconds. */
const EPOCH_MS = 946_684_800_000;
const JSONB_VERSION = 1;
const TEXT_OID = 25;
const INT8_OID = 20;
/** Longer texts are left to `Buffer`, whose call costs as much as so many characters (2026-11-30). */
const MAX_SHORT_CHARS = 14;
const WORD = 2 ** 32;
/** Rows of a log have 1.5 kB. */
const MAX_SHARED_BYTES = 16_384;

/** What PostgreSQL would say of the same number: the record is at fault, not the moment. */
class OutOfRangeError extends RangeError {
  readonly code = '22003';
}

type Maybe<Value> = Value | null | undefined;

/**
 * One message with the bytes of COPY's binary form: each value with its length before it, -1 for NULL, which null and undefined become. The type of a
 * value must be exactly that of its column.
 * https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY-FORMAT (2026-11-30)
 */
export class CopyWriter {
  readonly #out: JsonBytes;
  #jsonAt = 0;
  /** Where the values of the next row begin. */
  #valuesAt = 0;

  constructor(firstBytes?: number) {
    this.#out = new JsonBytes(storableJson, firstBytes);
  }

  get capacityBytes(): number {
    return this.#out.bytes.length;
  }

  /** Forgets all: what was written before is overwritten. */
  begin(): void {
    const out = this.#out;
    out.length = out.bytes.write(HEAD, 0, 'latin1');
  }

  /** Before the values of one row alone, until `endValues`; a row that was not ended is forgotten. False when little room is left. */
  beginValues(): boolean {
    const out = this.#out;
    out.length = this.#valuesAt;
    return out.bytes.length - out.length >= MAX_SHARED_BYTES;
  }

  /**
   * For `encoded` of another writer. They stay where they are, beside those of other rows: memory of its own for each row took a third of the time of
   * all its writing (2026-11-30). Many bytes get it, so that nobody's memory is kept by them.
   */
  endValues(): Buffer {
    const { bytes, length } = this.#out;
    const values = bytes.subarray(this.#valuesAt, length);
    if (values.length > MAX_SHARED_BYTES) return Buffer.from(values);
    this.#valuesAt = length;
    return values;
  }

  /** Nobody needs any of the values written so far. */
  forgetValues(): void {
    this.#valuesAt = 0;
  }

  /** The values of a row that were written before. */
  encoded(values: Uint8Array): void {
    const out = this.#out;
    out.reserve(values.length);
    out.bytes.set(values, out.length);
    out.length += values.length;
  }

  beginRow(columnCount: number): void {
    const out = this.#out;
    out.reserve(2);
    out.view.setInt16(out.length, columnCount);
    out.length += 2;
  }

  /** All that was written; valid until the next `begin`. */
  end(): Buffer {
    this.beginRow(-1);
    const { bytes, length, view } = this.#out;
    view.setInt32(MESSAGE_LENGTH_AT, length - MESSAGE_LENGTH_AT);
    return bytes.subarray(0, length);
  }

  /** Also of an enum. A lone surrogate becomes U+FFFD, as always in UTF-8; U+0000 is refused by the server (22021). */
  text(value: Maybe<string>): void {
    if (value === null || value === undefined) return this.#absent();
    const out = this.#out;
    const lengthAt = this.#beginOpen();
    if (value.length > MAX_SHORT_CHARS || !out.plain(value)) out.write(value);
    this.#closeAt(lengthAt);
  }

  /** A `text` for each, all at once where they are known. */
  repeated(known: RepeatedTexts, values: readonly Maybe<string>[]): void {
    const out = this.#out;
    const encoded = known.find(values);
    if (encoded !== null) return out.more(encoded);
    const start = out.length;
    for (const value of values) this.text(typeof value === 'string' ? known.storable(value) : value);
    known.remember(values, out.bytes.subarray(start, out.length));
  }

  texts(values: Maybe<readonly string[]>): void {
    if (values === null || values === undefined) return this.#absent();
    const lengthAt = this.#beginArray(TEXT_OID, values.length, false);
    for (const value of values) this.text(value);
    this.#closeAt(lengthAt);
  }

  bigints(values: Maybe<readonly (number | bigint | null)[]>): void {
    if (values === null || values === undefined) return this.#absent();
    const lengthAt = this.#beginArray(INT8_OID, values.length, values.includes(null));
    for (const value of values) this.bigint(value);
    this.#closeAt(lengthAt);
  }

  /** A `text` in JSON that is written piece by piece, until `endJson`. */
  beginJson(): JsonBytes {
    this.#jsonAt = this.#beginOpen();
    return this.#out;
  }

  beginJsonb(): JsonBytes {
    this.#jsonAt = this.#beginOpen();
    const out = this.#out;
    out.reserve(1);
    out.view.setInt8(out.length, JSONB_VERSION);
    out.length += 1;
    return out;
  }

  endJson(): void {
    this.#closeAt(this.#jsonAt);
  }

  jsonb(json: Maybe<string>): void {
    if (json === null || json === undefined) return this.#absent();
    this.beginJsonb().write(json);
    this.endJson();
  }

  boolean(value: Maybe<boolean>): void {
    if (value === null || value === undefined) return this.#absent();
    const at = this.#begin(1);
    this.#out.view.setInt8(at, value ? 1 : 0);
  }

  smallint(value: Maybe<number>): void {
    if (value === null || value === undefined) return this.#absent();
    requireRange(value, 2 ** 15);
    const at = this.#begin(2);
    this.#out.view.setInt16(at, value);
  }

  integer(value: Maybe<number>): void {
    if (value === null || value === undefined) return this.#absent();
    requireRange(value, 2 ** 31);
    const at = this.#begin(4);
    this.#out.view.setInt32(at, value);
  }

  bigint(value: Maybe<number | bigint>): void {
    if (value === null || value === undefined) return this.#absent();
    const small = Number(value);
    if (typeof value === 'number' || Number.isSafeInteger(small)) return this.#long(small);
    if (BigInt.asIntN(64, value) !== value) throw new OutOfRangeError(`${value} is out of range for type bigint`);
    const at = this.#begin(LONG_BYTES);
    this.#out.view.setBigInt64(at, value);
  }

  real(value: Maybe<number>): void {
    if (value === null || value === undefined) return this.#absent();
    const at = this.#begin(4);
    this.#out.view.setFloat32(at, value);
  }

  /** Milliseconds since 1970. */
  timestamptz(atMs: Maybe<number>): void {
    if (atMs === null || atMs === undefined) return this.#absent();
    this.#long(Math.round((atMs - EPOCH_MS) * 1_000));
  }

  #absent(): void {
    const out = this.#out;
    out.reserve(LENGTH_BYTES);
    out.view.setInt32(out.length, -1);
    out.length += LENGTH_BYTES;
  }

  /** In two halves: a BigInt would be made for nothing. */
  #long(value: number): void {
    if (!Number.isSafeInteger(value)) throw new OutOfRangeError(`${value} is no whole number within 2^53`);
    const at = this.#begin(LONG_BYTES);
    const { view } = this.#out;
    const high = Math.floor(value / WORD);
    view.setInt32(at, high);
    view.setUint32(at + 4, value - high * WORD);
  }

  /** Returns where the length stands, which is known when all elements are written. */
  #beginArray(oid: number, count: number, mayBeNull: boolean): number {
    const lengthAt = this.#beginOpen();
    const words = count === 0 ? [0, 0, oid] : [1, mayBeNull ? 1 : 0, oid, count, 1];
    const out = this.#out;
    out.reserve(words.length * LENGTH_BYTES);
    for (const word of words) {
      out.view.setInt32(out.length, word);
      out.length += LENGTH_BYTES;
    }
    return lengthAt;
  }

  #beginOpen(): number {
    const out = this.#out;
    const lengthAt = out.length;
    out.reserve(LENGTH_BYTES);
    out.length += LENGTH_BYTES;
    return lengthAt;
  }

  #closeAt(lengthAt: number): void {
    const out = this.#out;
    out.view.setInt32(lengthAt, out.length - lengthAt - LENGTH_BYTES);
  }

  /** Returns where the value of so many bytes goes. */
  #begin(byteCount: number): number {
    const out = this.#out;
    out.reserve(LENGTH_BYTES + byteCount);
    out.view.setInt32(out.length, byteCount);
    const at = out.length + LENGTH_BYTES;
    out.length = at + byteCount;
    return at;
  }
}

function requireRange(value: number, limit: number): void {
  if (!Number.isInteger(value) || value < -limit || value >= limit) throw new OutOfRangeError(`${value} is out of range for its column`);
}
