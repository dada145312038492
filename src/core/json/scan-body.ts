import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors/gateway-error.js';
import { badUtf8Error, syntaxError } from './body-fault.js';
import { StructureScanner } from './structure-scanner.js';

/** Byte offsets of one top-level member: `keyStart` at its opening quote, `valueEnd` one past its value. */
export interface MemberSpan {
  keyStart: number;
  valueStart: number;
  valueEnd: number;
}

/** A request body whose bytes were judged once. What is forwarded is what was judged, because duplicate keys are refused. */
export interface ScannedBody {
  bytes: Buffer;
  value: Record<string, unknown>;
  /** In the order of the body. */
  members: Map<string, MemberSpan>;
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
  const members = new StructureScanner(bytes, full).scan();
  // The scanner skips the inside of long strings, literals and numbers; the engine's parser judges those.
  const value = parse(bytes) ?? new StructureScanner(bytes, full, true).diagnose();
  return { bytes, value: value as Record<string, unknown>, members };
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
