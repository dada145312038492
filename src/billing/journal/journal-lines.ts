import { crc32 } from 'node:zlib';
import { JsonBytes } from '../../core/json/index.js';
import type { AdmittedRecord, ForwardedRecord, JournalRecord } from '../../core/ledger/index.js';
import { CRC_DIGITS, encodeRecord } from './journal-codec.js';
import { writeBegun, writeUsual } from './usual-records.js';

const SPACE = 0x20;
const NEWLINE = 0x0a;
const HEX = Buffer.from('0123456789abcdef', 'latin1');

/**
 * Lines of a journal in one piece of memory, until they are written. The three records that every request writes go straight into it
 * (`usual-records`); all others are the work of `encodeRecord`.
 */
export class JournalLines {
  readonly #json = new JsonBytes();

  get byteCount(): number {
    return this.#json.length;
  }

  /** All lines; valid until the next change. */
  get bytes(): Uint8Array {
    return this.#json.bytes;
  }

  clear(): void {
    this.#json.length = 0;
  }

  /** Throws what the record's writing throws; the lines before it stand. */
  append(record: JournalRecord): void {
    const start = this.#begin();
    try {
      if (writeUsual(this.#json, record)) return this.#finish(start);
      this.#json.length = start;
      this.#json.write(encodeRecord(record));
    } catch (error) {
      this.#json.length = start;
      throw error;
    }
  }

  /** Two records in one line. Throws in the same way. */
  appendBegun(admitted: AdmittedRecord, forwarded: ForwardedRecord): void {
    const start = this.#begin();
    try {
      writeBegun(this.#json, admitted, forwarded);
      this.#finish(start);
    } catch (error) {
      this.#json.length = start;
      throw error;
    }
  }

  /** With room for the checksum. */
  #begin(): number {
    const json = this.#json;
    const start = json.length;
    json.reserve(CRC_DIGITS + 1);
    json.length += CRC_DIGITS + 1;
    return start;
  }

  /** The checksum before the JSON, the newline after it. */
  #finish(start: number): void {
    const json = this.#json;
    const jsonStart = start + CRC_DIGITS + 1;
    let checksum = crc32(new Uint8Array(json.bytes.buffer, json.bytes.byteOffset + jsonStart, json.length - jsonStart));
    json.reserve(1);
    const { bytes } = json;
    for (let at = start + CRC_DIGITS - 1; at >= start; at -= 1) {
      bytes[at] = HEX[checksum & 0xf] as number;
      checksum >>>= 4;
    }
    bytes[start + CRC_DIGITS] = SPACE;
    bytes[json.length] = NEWLINE;
    json.length += 1;
  }
}
