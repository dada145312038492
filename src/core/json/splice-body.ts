import type { MemberSpan, ScannedBody } from './scan-body.js';

interface Edit {
  start: number;
  end: number;
  text: string;
}

/**
 * The client's bytes with only those top-level members replaced that differ in `wire`: a member whose value is the identical
 * (===) object or primitive keeps its bytes, others are serialised anew, missing ones are cut, added ones appended. So large
 * numbers, unknown fields and cache prefixes survive byte for byte.
 */
export function spliceBody(scanned: ScannedBody, wire: Readonly<Record<string, unknown>>): Buffer {
  const edits = [...editsOfMembers(scanned, wire), ...editOfAdded(scanned, wire)];
  return edits.length === 0 ? scanned.bytes : apply(scanned.bytes, edits);
}

const kept = (wire: Readonly<Record<string, unknown>>, key: string): boolean => Object.hasOwn(wire, key) && wire[key] !== undefined;

function editsOfMembers(scanned: ScannedBody, wire: Readonly<Record<string, unknown>>): Edit[] {
  const edits: Edit[] = [];
  let last: MemberSpan | undefined;
  let cutFrom: number | undefined;
  for (const [key, span] of scanned.members) {
    if (!kept(wire, key)) {
      cutFrom ??= span.keyStart;
      continue;
    }
    // A run of removed members goes together with the commas after them.
    if (cutFrom !== undefined) edits.push({ start: cutFrom, end: span.keyStart, text: '' });
    cutFrom = undefined;
    last = span;
    if (wire[key] !== scanned.value[key]) edits.push({ start: span.valueStart, end: span.valueEnd, text: JSON.stringify(wire[key]) });
  }
  // A run at the end goes together with the comma before it.
  if (cutFrom !== undefined) edits.push({ start: last?.valueEnd ?? cutFrom, end: lastEnd(scanned), text: '' });
  return edits;
}

function editOfAdded(scanned: ScannedBody, wire: Readonly<Record<string, unknown>>): Edit[] {
  const added = Object.keys(wire).filter((key) => wire[key] !== undefined && !scanned.members.has(key));
  if (added.length === 0) return [];
  const text = added.map((key) => `${JSON.stringify(key)}:${JSON.stringify(wire[key])}`).join(',');
  const follows = [...scanned.members.keys()].some((key) => kept(wire, key));
  const at = lastEnd(scanned);
  return [{ start: at, end: at, text: follows ? `,${text}` : text }];
}

function lastEnd(scanned: ScannedBody): number {
  let end = -1;
  for (const span of scanned.members.values()) end = span.valueEnd;
  return end === -1 ? scanned.bytes.indexOf('{') + 1 : end;
}

function apply(bytes: Buffer, edits: readonly Edit[]): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const edit of edits) {
    pieces.push(bytes.subarray(from, edit.start), Buffer.from(edit.text, 'utf8'));
    from = edit.end;
  }
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
}
