import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors/gateway-error.js';
import { badUtf8Error, syntaxError } from './body-fault.js';
import { StructureScanner } from './structure-scanner.js';

const QUOTE = 0x22;

/** A request body whose bytes were judged once. What is forwarded is what was judged, because duplicate keys are refused. */
export interface ScannedBody {
  bytes: Buffer;
  value: Record<string, unknown>;
  /** Of the top-level members, in the order of the body. */
  keys: readonly string[];
  /** Three byte offsets for each of them: its key's opening quote, the first byte of its value, one past its value. */
  spans: readonly number[];
}

export interface ScanLimits {
  /** Objects and arrays inside one another, the body itself included. */
  maxDepth: number;
  /** Items of any one array. */
  maxItems: number;
  /** Members, items and values in the whole body: what parsing may allocate. */
  maxValues: number;
}

export const DEFAULT_SCAN_LIMITS: ScanLimits = { maxDepth: 64, maxItems: 200_000, maxValues: 1_000_000 };

/**
 * Reads a JSON body that must be an object: UTF-8, syntax, depth, sizes and duplicate keys (at every level, escapes decoded)
 * are checked before anything is allocated for its values. Throws GatewayError 400 that names position or JSON path.
 */
export function scanBody(body: Uint8Array, limits?: Partial<ScanLimits>): ScannedBody {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  checkBytes(bytes);
  const full = limits === undefined ? DEFAULT_SCAN_LIMITS : { ...DEFAULT_SCAN_LIMITS, ...limits };
  const spans = SCANNER.scan(bytes, full);
  // The scanner skips the inside of long strings, literals and numbers; the engine's parser judges those.
  const value = (parse(bytes) ?? new StructureScanner(true).diagnose(bytes, full)) as Record<string, unknown>;
  return { bytes, value, keys: keysInOrder(bytes, value, spans), spans };
}

/** One for all bodies: a walk is never interrupted by another. */
const SCANNER = new StructureScanner();

/** An object has its members in the order in which they came, but for names that are array indices: they stand first. */
function keysInOrder(bytes: Buffer, value: Record<string, unknown>, spans: readonly number[]): string[] {
  const keys = Object.keys(value);
  const first = keys[0]?.charCodeAt(0) ?? 0;
  if (first < 0x30 || first > 0x39) return keys;
  return keys.map((_key, at) => JSON.parse(bytes.toString('utf8', spans[3 * at], endOfKey(bytes, spans, at))) as string);
}

/** One past the closing quote: between key and value stand a colon and white space. */
function endOfKey(bytes: Buffer, spans: readonly number[], at: number): number {
  return bytes.lastIndexOf(QUOTE, (spans[3 * at + 1] as number) - 1) + 1;
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8')) as unknown;
  } catch {
    return undefined;
  }
}

function checkBytes(bytes: Buffer): void {
  if (bytes.length === 0) throw new GatewayError('invalid_request', 'The request body is empty; send a JSON object.');
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) throw syntaxError(bytes, 0, 'a byte order mark is not allowed');
  if (!isUtf8(bytes)) throw badUtf8Error(bytes);
}
