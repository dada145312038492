import { isWire, type Wire } from './wire.js';

const MAX_STEPS = 32;
const MAX_INDEX = 10_000;

/**
 * A function call whose arguments arrive in pieces: `{name, willContinue}`, then `{partialArgs: [{jsonPath, stringValue …}], willContinue}`, then `{}`.
 * Vertex does so when `streamFunctionCallArguments` is set (recorded 2026; https://googleapis.github.io/js-genai/release_docs/interfaces/types.FunctionCall.html, read 2026-11-21).
 */
export class PartialCall {
  private readonly args: Wire;

  constructor(
    readonly index: number,
    first: Wire,
  ) {
    this.args = isWire(first['args']) ? structuredClone(first['args']) : {};
    this.add(first);
  }

  /** A further piece. True when it was the last. */
  add(call: Wire): boolean {
    const pieces: unknown[] = Array.isArray(call['partialArgs']) ? call['partialArgs'] : [];
    for (const piece of pieces) {
      if (isWire(piece) && typeof piece['jsonPath'] === 'string') place(this.args, stepsOf(piece['jsonPath']), valueOf(piece));
    }
    return call['willContinue'] !== true;
  }

  get argumentsText(): string {
    return JSON.stringify(this.args);
  }
}

/** True when the call's arguments are still to come. */
export function isPartial(call: Wire): boolean {
  return call['willContinue'] === true || Array.isArray(call['partialArgs']);
}

function valueOf(piece: Wire): unknown {
  if (typeof piece['stringValue'] === 'string') return piece['stringValue'];
  if (typeof piece['numberValue'] === 'number') return piece['numberValue'];
  if (typeof piece['boolValue'] === 'boolean') return piece['boolValue'];
  return null;
}

/** `$.foo.bar[0]['data']` → foo, bar, 0, data (the part of RFC 9535 that names one place). */
function stepsOf(path: string): (string | number)[] {
  const steps: (string | number)[] = [];
  for (const found of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\[(?:'([^']*)'|"([^"]*)")\]/g)) {
    steps.push(found[2] === undefined ? (found[1] ?? found[3] ?? found[4] ?? '') : Number(found[2]));
  }
  return steps.slice(0, MAX_STEPS);
}

/** Sets a value; text that continues text is appended to it. */
function place(root: Wire, steps: (string | number)[], value: unknown): void {
  const last = steps.at(-1);
  if (last === undefined || steps.some((step) => step === '__proto__' || (typeof step === 'number' && step > MAX_INDEX))) return;
  let node: Node = root;
  for (const [depth, step] of steps.slice(0, -1).entries()) node = into(node, step, typeof steps[depth + 1] === 'number');
  const before = own(node, last);
  node[last] = typeof before === 'string' && typeof value === 'string' ? before + value : value;
}

type Node = Record<string | number, unknown>;

const own = (node: Node, step: string | number): unknown => (Object.hasOwn(node, step) ? node[step] : undefined);

/** The object or list under a step, made when there is none. */
function into(node: Node, step: string | number, list: boolean): Node {
  const before = own(node, step);
  const next = typeof before === 'object' && before !== null ? before : list ? [] : {};
  node[step] = next;
  return next as Node;
}
