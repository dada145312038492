import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { foldRecord, type EngineRecord, type JournalRecord, type RequestFold } from '../../core/ledger/index.js';
import type { Price } from '../../core/pricing/index.js';
import { decodeLine } from './journal-codec.js';

export interface ReadJournal {
  /** Null when not even the first record is readable: nothing was admitted. */
  engine: EngineRecord | null;
  /** Every identity the engine had (it gets a new one after it was swept). */
  engineIds: number[];
  folds: RequestFold[];
  prices: Map<string, Price>;
  /** Lines whose checksum is wrong, besides the one that the death of the process cut. */
  damagedCount: number;
}

/** Reads a dead engine's directory: all segments in order, folded by request. A cut last line is what a kill leaves. */
export function readJournal(directory: string): ReadJournal {
  const folds = new Map<string, RequestFold>();
  const result: ReadJournal = { engine: null, engineIds: [], folds: [], prices: new Map(), damagedCount: 0 };
  for (const name of segmentNames(directory)) {
    const text = readFileSync(join(directory, name), 'utf8');
    const lines = text.split('\n');
    const cut = lines.pop() !== '';
    for (const line of lines) take(result, folds, line);
    // The last segment ends where the process died; a cut line anywhere else is damage.
    if (cut && name !== segmentNames(directory).at(-1)) result.damagedCount += 1;
  }
  result.folds = [...folds.values()];
  return result;
}

export function segmentNames(directory: string): string[] {
  return readdirSync(directory)
    .filter((name) => name.endsWith('.journal'))
    .sort();
}

/** The first record alone: whose journal this is. */
export function readHeader(directory: string): EngineRecord | null {
  const first = segmentNames(directory)[0];
  if (first === undefined) return null;
  const line = readFileSync(join(directory, first), 'utf8').split('\n', 1)[0] ?? '';
  const record = decodeSafely(line)?.[0];
  return record?.type === 'engine' ? record : null;
}

function take(result: ReadJournal, folds: Map<string, RequestFold>, line: string): void {
  const records = decodeSafely(line);
  if (records === null) result.damagedCount += 1;
  else for (const record of records) takeRecord(result, folds, record);
}

function takeRecord(result: ReadJournal, folds: Map<string, RequestFold>, record: JournalRecord): void {
  if (record.type === 'engine') {
    result.engine ??= record;
    if (!result.engineIds.includes(record.engineId)) result.engineIds.push(record.engineId);
  } else if (record.type === 'price') {
    result.prices.set(record.price.id, record.price);
  } else if (record.type === 'admitted') {
    if (!folds.has(record.requestId)) folds.set(record.requestId, { admitted: record, forwarded: null, checkpoint: null, ended: null });
  } else {
    const fold = folds.get(record.requestId);
    if (fold !== undefined) foldRecord(fold, record);
  }
}

function decodeSafely(line: string): JournalRecord[] | null {
  try {
    return decodeLine(line);
  } catch {
    return null;
  }
}
