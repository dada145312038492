import { crc32 } from 'node:zlib';
import type { JournalRecord } from '../../core/ledger/index.js';
import { parsePrice, renderPrice } from '../../core/pricing/index.js';

/** Eight hex digits of the CRC-32 of the JSON after them, a space, the JSON, a newline: readable with any pager. */
const CRC_DIGITS = 8;
/** Money is written as strings; these fields are strings already. */
const TEXT_FIELDS = new Set(['priceNanoUsd']);

export function encodeRecord(record: JournalRecord): string {
  const plain = record.type === 'price' ? { type: 'price', price: renderPrice(record.price) } : record;
  const json = JSON.stringify(plain, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  return `${checksum(json)} ${json}\n`;
}

/** Null when the line was cut or changed. */
export function decodeRecord(line: string): JournalRecord | null {
  const json = line.slice(CRC_DIGITS + 1);
  if (line[CRC_DIGITS] !== ' ' || line.slice(0, CRC_DIGITS) !== checksum(json)) return null;
  const record = JSON.parse(json, (key, value: unknown) =>
    key.endsWith('NanoUsd') && typeof value === 'string' && !TEXT_FIELDS.has(key) ? BigInt(value) : value,
  ) as JournalRecord | { type: 'price'; price: unknown };
  return record.type === 'price' ? { type: 'price', price: parsePrice(record.price, 'price') } : record;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(CRC_DIGITS, '0');
}
