import { crc32 } from 'node:zlib';
import { JsonBytes } from '../../core/json/index.js';
import type { ForwardedRecord, JournalRecord } from '../../core/ledger/index.js';
import { CRC_DIGITS, encodeRecord } from './journal-codec.js';
import { writeUsual } from './usual-records.js';

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

  /** @param attempt of the same request, to stand in one line with its admission. Throws what the writing throws; the lines before it stand. */
  append(record: JournalRecord, attempt: ForwardedRecord | null = null): void {
    const start = this.#json.length;
    try {
      this.#appendTo(start, record, attempt);
    } catch (error) {
      this.#json.length = start;
      throw error;
    }
  }

  #appendTo(start: number, record: JournalRecord, attempt: ForwardedRecord | null): void {
    const json = this.#json;
    json.reserve(CRC_DIGITS + 1);
    json.length += CRC_DIGITS + 1;
    if (writeUsual(json, record, attempt)) return this.#finish(start);
    json.length = start;
    json.write(encodeRecord(record));
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
