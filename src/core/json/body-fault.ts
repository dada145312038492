import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../errors/gateway-error.js';

/** Where a fault stands: offset in bytes from 0, line and column (in characters) from 1. */
export interface BodyPosition {
  offset: number;
  line: number;
  column: number;
}

export function positionOf(bytes: Buffer, offset: number): BodyPosition {
  let line = 1;
  let lineStart = 0;
  for (let at = bytes.indexOf(10); at !== -1 && at < offset; at = bytes.indexOf(10, at + 1)) {
    line += 1;
    lineStart = at + 1;
  }
  return { offset, line, column: [...bytes.subarray(lineStart, Math.min(offset, lineStart + 100_000)).toString('utf8')].length + 1 };
}

export function syntaxError(bytes: Buffer, offset: number, problem: string): GatewayError {
  const position = positionOf(bytes, offset);
  const message = `The request body is not valid JSON: ${problem} at line ${position.line}, column ${position.column} (byte ${offset}). Send one JSON object.`;
  return new GatewayError('invalid_request', message, { metadata: { position } });
}

export function badUtf8Error(bytes: Buffer): GatewayError {
  const offset = firstInvalidUtf8(bytes);
  const position = positionOf(bytes, offset);
  const message = `The request body is not valid UTF-8 at line ${position.line} (byte ${offset}). Encode the JSON as UTF-8.`;
  return new GatewayError('invalid_request', message, { metadata: { position } });
}

/** A fault of structure: it has a JSON path as well as a position. */
export function structureError(bytes: Buffer, offset: number, fault: { path: string; message: string }): GatewayError {
  const position = positionOf(bytes, offset);
  const message = `${fault.message} (line ${position.line}, column ${position.column}, byte ${offset}).`;
  return new GatewayError('invalid_request', message, { param: fault.path === '' ? null : fault.path, metadata: { position } });
}

/** What stands at `offset`, in words. */
export function unexpectedAt(bytes: Buffer, offset: number): string {
  const byte = bytes[offset];
  if (byte === undefined) return 'unexpected end';
  if (byte < 0x20) return `unexpected control character 0x${byte.toString(16).padStart(2, '0')}`;
  const [character] = bytes.subarray(offset, offset + 4).toString('utf8');
  return `unexpected ${character === '"' ? `'"'` : `"${character ?? ''}"`}`;
}

const BLOCK_BYTES = 4_096;

/** Skips valid blocks natively, then walks the first bad one character by character. */
function firstInvalidUtf8(bytes: Buffer): number {
  let at = 0;
  while (at < bytes.length) {
    const end = characterBoundary(bytes, Math.min(at + BLOCK_BYTES, bytes.length));
    if (!isUtf8(bytes.subarray(at, end))) break;
    at = end;
  }
  while (at < bytes.length) {
    const next = at + sequenceBytes(bytes[at] ?? 0);
    if (!isUtf8(bytes.subarray(at, next))) return at;
    at = next;
  }
  return at;
}

function characterBoundary(bytes: Buffer, end: number): number {
  let at = end;
  while (at < bytes.length && end - at < 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at -= 1;
  return at;
}

function sequenceBytes(lead: number): number {
  if (lead < 0xc0) return 1;
  if (lead < 0xe0) return 2;
  return lead < 0xf0 ? 3 : 4;
}
