import { jsonString, jsonText } from './json-string.js';
import type { ScannedBody } from './scan-body.js';

type Wire = Readonly<Record<string, unknown>>;

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
export function spliceBody(scanned: ScannedBody, wire: Wire): Buffer {
  const edits: Edit[] = [];
  const keptCount = editMembers(scanned, wire, edits);
  // Nothing was added when all that is there was kept.
  if (!hasMore(wire, keptCount)) return edits.length === 0 ? scanned.bytes : apply(scanned.bytes, edits);
  addMembers(scanned, wire, { edits, follows: keptCount > 0 });
  return edits.length === 0 ? scanned.bytes : apply(scanned.bytes, edits);
}

const isKept = (wire: Wire, key: string): boolean => wire[key] !== undefined && Object.hasOwn(wire, key);

/** How many of the body's members the wire still has. */
function editMembers({ keys, spans, value }: ScannedBody, wire: Wire, edits: Edit[]): number {
  let count = 0;
  let lastEnd = -1;
  let cutFrom = -1;
  for (let at = 0; at < keys.length; at += 1) {
    const key = keys[at] as string;
    const keyStart = spans[3 * at] as number;
    const isSame = wire[key] === value[key];
    if (!isSame && !isKept(wire, key)) {
      if (cutFrom === -1) cutFrom = keyStart;
      continue;
    }
    // A run of removed members goes together with the commas after them.
    if (cutFrom !== -1) edits.push({ start: cutFrom, end: keyStart, text: '' });
    cutFrom = -1;
    count += 1;
    lastEnd = spans[3 * at + 2] as number;
    if (!isSame) edits.push({ start: spans[3 * at + 1] as number, end: lastEnd, text: jsonText(wire[key]) });
  }
  // A run at the end goes together with the comma before it.
  if (cutFrom !== -1) edits.push({ start: lastEnd === -1 ? cutFrom : lastEnd, end: spans.at(-1) as number, text: '' });
  return count;
}

function hasMore(wire: Wire, keptCount: number): boolean {
  let count = 0;
  for (const key in wire) if (wire[key] !== undefined) count += 1;
  return count > keptCount;
}

function addMembers({ bytes, value, spans }: ScannedBody, wire: Wire, { edits, follows }: { edits: Edit[]; follows: boolean }): void {
  let text = '';
  for (const key of Object.keys(wire)) {
    if (wire[key] === undefined || Object.hasOwn(value, key)) continue;
    text += `${text !== '' || follows ? ',' : ''}${jsonString(key)}:${jsonText(wire[key])}`;
  }
  const at = spans.at(-1) ?? bytes.indexOf('{') + 1;
  edits.push({ start: at, end: at, text });
}

function apply(bytes: Buffer, edits: readonly Edit[]): Buffer {
  let length = bytes.length;
  for (const { start, end, text } of edits) length += Buffer.byteLength(text) - (end - start);
  const target = Buffer.allocUnsafe(length);
  let from = 0;
  let to = 0;
  for (const { start, end, text } of edits) {
    to += bytes.copy(target, to, from, start);
    to += target.write(text, to);
    from = end;
  }
  bytes.copy(target, to, from);
  return target;
}
