import { crc32 } from 'node:zlib';
import { NO_USAGE } from '../../core/chat/usage.js';
import type { EndedRecord, JournalRecord } from '../../core/ledger/index.js';
import { NO_UNITS, parsePrice, renderPrice } from '../../core/pricing/index.js';
import { readUsual } from './usual-records.js';

/** Eight hex digits of the CRC-32 of the JSON after them, a space, the JSON, a newline: readable with any pager. */
export const CRC_DIGITS = 8;
/** Money is written as strings; these fields are strings already. */
const TEXT_FIELDS = new Set(['priceNanoUsd']);

/** A record's line. What every request writes goes through `JournalLines`. */
export function encodeRecord(record: JournalRecord): string {
  const plain = record.type === 'price' ? { type: 'price', price: renderPrice(record.price) } : record;
  const json = renderJson(plain);
  return `${checksum(json)} ${json}\n`;
}

/** The records of a line, of which there may be two; null when it was cut or changed. */
export function decodeLine(line: string): JournalRecord[] | null {
  const json = line.slice(CRC_DIGITS + 1);
  if (line[CRC_DIGITS] !== ' ' || line.slice(0, CRC_DIGITS) !== checksum(json)) return null;
  return json.startsWith('[') ? readUsual(JSON.parse(json) as unknown[]) : [decodeObject(json)];
}

function decodeObject(json: string): JournalRecord {
  const record = JSON.parse(json, (key, value: unknown) =>
    key.endsWith('NanoUsd') && typeof value === 'string' && !TEXT_FIELDS.has(key) ? BigInt(value) : value,
  ) as JournalRecord | { type: 'price'; price: unknown };
  if (record.type === 'price') return { type: 'price', price: parsePrice(record.price, 'price') };
  return record.type === 'ended' ? wholeEnd(record) : record;
}

/** What ends of before 2026-12 leave out. */
const NO_OUTCOME = { worthNanoUsd: 0n, providerCostNanoUsd: 0n, suspenseNanoUsd: 0n, estimated: false, lines: [], priceId: null };
const NO_END = { provider: null, upstreamModel: null, servedModel: null, forwardedAtMs: null, firstTokenAtMs: null };

function wholeEnd(stored: EndedRecord): EndedRecord {
  const { outcome } = stored;
  const usage = { ...NO_USAGE, ...outcome.usage };
  return { ...NO_END, ...stored, outcome: { ...NO_OUTCOME, ...outcome, usage, units: { ...NO_UNITS, ...outcome.units } } };
}

/** What `JSON.stringify` writes, with integers of money as strings; its replacer costs twice as much as all the writing. */
function renderJson(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'bigint') return `"${value}"`;
  if (typeof value !== 'object' || value === null) return String(value);
  if (Array.isArray(value)) return `[${value.map(renderJson).join(',')}]`;
  let members = '';
  for (const name in value) {
    const member = (value as Record<string, unknown>)[name];
    if (member !== undefined) members += `${members === '' ? '' : ','}"${name}":${renderJson(member)}`;
  }
  return `{${members}}`;
}

function checksum(json: string): string {
  return crc32(json).toString(16).padStart(CRC_DIGITS, '0');
}
