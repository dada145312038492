import { isMap, isPair, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { GatewayError } from '../../core/errors/gateway-error.js';

const MAX_BYTES = 5_000_000;
const MAX_ALIASES = 100;

/** A YAML or JSON text (JSON is YAML), and where in it each JSON path stands. */
export interface ReadDocument {
  value: unknown;
  /** `line 3, column 5` of a path or of its nearest ancestor; null where there is no text. */
  locate: ((path: string) => string) | null;
}

/** What came as JSON members already. */
export function jsonDocument(value: unknown): ReadDocument {
  return { value, locate: null };
}

/** Throws GatewayError 400 with line and column for what is not YAML. Duplicate keys are refused. */
export function readDocument(text: string): ReadDocument {
  if (Buffer.byteLength(text) > MAX_BYTES) throw refuse('', `is larger than ${MAX_BYTES} bytes`);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false });
  const [fault] = document.errors;
  if (fault !== undefined) throw refuse('', `is not valid YAML: ${fault.message} (${place(lines, fault.pos[0])})`);
  return { value: toValue(document), locate: (path) => place(lines, offsetOf(document, path)) };
}

/** Adds the place to an error about a path; other errors pass. */
export function withPlace(error: unknown, document: ReadDocument): unknown {
  if (!(error instanceof GatewayError) || error.code !== 'invalid_request' || error.param === null || document.locate === null) return error;
  return new GatewayError('invalid_request', `${error.message} (${document.locate(error.param)})`, {
    param: error.param === '' ? null : error.param,
    cause: error,
  });
}

function toValue(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch (error) {
    throw refuse('', `cannot be read: ${(error as Error).message}`);
  }
}

function refuse(param: string, problem: string): GatewayError {
  return new GatewayError('invalid_request', `the document ${problem}`, { param: param === '' ? null : param });
}

function place(lines: LineCounter, offset: number): string {
  const { line, col } = lines.linePos(offset);
  return `line ${Math.max(1, line)}, column ${Math.max(1, col)}`;
}

/** `providers[3].type` → the offset of that key, or of the deepest part of the path that is there. */
function offsetOf(document: Document, path: string): number {
  let node: unknown = document.contents;
  let offset = 0;
  for (const step of path.match(/[^.[\]]+/g) ?? []) {
    const found = child(node, step);
    if (found === null) break;
    offset = found.offset;
    node = found.node;
  }
  return offset;
}

function child(node: unknown, step: string): { node: unknown; offset: number } | null {
  if (isMap(node)) {
    const pair = node.items.find((item) => isPair(item) && isScalar(item.key) && String(item.key.value) === step);
    return pair === undefined ? null : { node: pair.value, offset: rangeOf(pair.key) };
  }
  const items = (node as { items?: unknown[] } | null)?.items;
  const item = /^\d+$/.test(step) ? items?.[Number(step)] : undefined;
  return item === undefined ? null : { node: item, offset: rangeOf(item) };
}

function rangeOf(node: unknown): number {
  return (node as { range?: [number, number, number] | null } | null)?.range?.[0] ?? 0;
}
