const SIGNATURE = Buffer.from('PGCOPY\n\u00ff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');
const FIRST_BYTES = 65_536;
const LENGTH_BYTES = 4;
/** PostgreSQL counts time from 2000-01-01, in microseconds. */
const EPOCH_MS = 946_684_800_000;
const JSONB_VERSION = '\u0001';
const TEXT_OID = 25;
const INT8_OID = 20;
/** A UTF-16 code unit takes at most three bytes of UTF-8. */
const MAX_UNIT_BYTES = 3;
const WORD = 2 ** 32;

/** What PostgreSQL would say of the same number: the record is at fault, not the moment. */
class OutOfRangeError extends RangeError {
  readonly code = '22003';
}

/**
 * The bytes of COPY's binary form: each value with its length before it, -1 for NULL.
 * https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-FILE-FORMATS-BINARY-FORMAT (2026-11-30)
 */
export class CopyWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES);
  #at = SIGNATURE.copy(this.#bytes);

  beginRow(columnCount: number): void {
    this.#reserve(2);
    this.#at = this.#bytes.writeInt16BE(columnCount, this.#at);
  }

  end(): Buffer {
    this.beginRow(-1);
    return this.#bytes.subarray(0, this.#at);
  }

  absent(): void {
    this.#reserve(LENGTH_BYTES);
    this.#at = this.#bytes.writeInt32BE(-1, this.#at);
  }

  /** A lone surrogate becomes U+FFFD, as always in UTF-8; U+0000 is refused by the server (22021). */
  text(value: string): void {
    this.#reserve(LENGTH_BYTES + value.length * MAX_UNIT_BYTES);
    const written = this.#bytes.write(value, this.#at + LENGTH_BYTES);
    this.#bytes.writeInt32BE(written, this.#at);
    this.#at += LENGTH_BYTES + written;
  }

  texts(values: readonly string[]): void {
    this.#array(values, { oid: TEXT_OID, write: (value) => this.text(value) });
  }

  bigints(values: readonly (number | bigint | null)[]): void {
    this.#array(values, { oid: INT8_OID, write: (value) => (value === null ? this.absent() : this.bigint(value)) });
  }

  jsonb(json: string): void {
    this.text(`${JSONB_VERSION}${json}`);
  }

  boolean(value: boolean): void {
    this.#begin(1);
    this.#at = this.#bytes.writeInt8(value ? 1 : 0, this.#at);
  }

  smallint(value: number): void {
    requireRange(value, 2 ** 15);
    this.#begin(2);
    this.#at = this.#bytes.writeInt16BE(value, this.#at);
  }

  integer(value: number): void {
    requireRange(value, 2 ** 31);
    this.#begin(4);
    this.#at = this.#bytes.writeInt32BE(value, this.#at);
  }

  bigint(value: number | bigint | string): void {
    if (typeof value === 'number') return this.#long(value);
    const whole = BigInt(value);
    if (BigInt.asIntN(64, whole) !== whole) throw new OutOfRangeError(`${whole} is out of range for type bigint`);
    this.#begin(8);
    this.#at = this.#bytes.writeBigInt64BE(whole, this.#at);
  }

  real(value: number): void {
    this.#begin(4);
    this.#at = this.#bytes.writeFloatBE(value, this.#at);
  }

  timestamp(atMs: number): void {
    this.#long(Math.round((atMs - EPOCH_MS) * 1_000));
  }

  /** In two halves: a BigInt would be made for nothing. */
  #long(value: number): void {
    if (!Number.isSafeInteger(value)) throw new OutOfRangeError(`${value} is no whole number within 2^53`);
    this.#begin(8);
    this.#at = this.#bytes.writeInt32BE(Math.floor(value / WORD), this.#at);
    this.#at = this.#bytes.writeUInt32BE(value - Math.floor(value / WORD) * WORD, this.#at);
  }

  /** The length of the whole is known when its elements are written. */
  #array<Value>(values: readonly Value[], { oid, write }: { oid: number; write: (value: Value) => void }): void {
    const lengthAt = this.#at;
    const mayBeNull = values.includes(null as Value) ? 1 : 0;
    const words = values.length === 0 ? [0, 0, 0, oid] : [0, 1, mayBeNull, oid, values.length, 1];
    this.#reserve(words.length * LENGTH_BYTES);
    for (const word of words) this.#at = this.#bytes.writeInt32BE(word, this.#at);
    for (const value of values) write(value);
    this.#bytes.writeInt32BE(this.#at - lengthAt - LENGTH_BYTES, lengthAt);
  }

  #begin(length: number): void {
    this.#reserve(LENGTH_BYTES + length);
    this.#at = this.#bytes.writeInt32BE(length, this.#at);
  }

  #reserve(count: number): void {
    if (this.#at + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + count));
    this.#bytes.copy(grown, 0, 0, this.#at);
    this.#bytes = grown;
  }
}

function requireRange(value: number, limit: number): void {
  if (!Number.isInteger(value) || value < -limit || value >= limit) throw new OutOfRangeError(`${value} is out of range for its column`);
}
