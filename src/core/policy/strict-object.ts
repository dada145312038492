import { invalidRequest } from '../errors/gateway-error.js';

/** Reads one value or throws GatewayError 400 `invalid_request` whose `param` is the path. */
export type FieldReader<T> = (value: unknown, path: string) => T;
export type Fields<T> = { readonly [Name in keyof T]-?: FieldReader<NonNullable<T[Name]>> };

/** Longest operator text we compare or repeat in a message. */
const MAX_NAME_CHARS = 64;

/** An object with known members only. A member that is present must be readable: `null` is a wrong type, not an absence. */
export function readObject<T>(value: unknown, path: string, fields: Fields<T>): Partial<T> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw invalidRequest(path, `\`${path}\` must be an object, not ${kindOf(value)}.`);
  }
  const result: Partial<T> = {};
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    if (!Object.hasOwn(fields, name)) throw unknownMember(path, name, Object.keys(fields));
    const key = name as keyof T & string;
    result[key] = fields[key](member, `${path}.${name}`);
  }
  return result;
}

function unknownMember(path: string, name: string, known: readonly string[]): Error {
  const near = nearestName(name, known);
  const hint = near === null ? `Known: ${known.join(', ')}.` : `Did you mean \`${near}\`?`;
  const shown = name.slice(0, MAX_NAME_CHARS);
  return invalidRequest(`${path}.${shown}`, `\`${path}.${shown}\` is not known. ${hint}`);
}

export function readText(value: unknown, path: string, maxChars = 200): string {
  if (typeof value !== 'string') throw invalidRequest(path, `\`${path}\` must be a string, not ${kindOf(value)}.`);
  if (value.trim() === '') throw invalidRequest(path, `\`${path}\` must not be blank.`);
  if (value.length > maxChars) throw invalidRequest(path, `\`${path}\` must have at most ${maxChars} characters.`);
  return value;
}

export function readBoolean(value: unknown, path: string): boolean {
  if (typeof value !== 'boolean') throw invalidRequest(path, `\`${path}\` must be true or false, not ${kindOf(value)}.`);
  return value;
}

export function readList<T>(value: unknown, path: string, item: FieldReader<T>, maxItems = 1_000): T[] {
  if (!Array.isArray(value)) throw invalidRequest(path, `\`${path}\` must be a list, not ${kindOf(value)}.`);
  if (value.length > maxItems) throw invalidRequest(path, `\`${path}\` must have at most ${maxItems} entries.`);
  return value.map((entry, index) => item(entry, `${path}[${index}]`));
}

export function readInteger(value: unknown, path: string, range: { min: number; max: number }): number {
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max;
  if (!fits) throw invalidRequest(path, `\`${path}\` must be a whole number from ${range.min} to ${range.max}, not ${kindOf(value)}.`);
  return value;
}

export function readOneOf<T extends string>(value: unknown, path: string, words: readonly T[]): T {
  const found = words.find((word) => word === value);
  if (found !== undefined) return found;
  const near = typeof value === 'string' ? nearestName(value, words) : null;
  const hint = near === null ? '' : ` Did you mean \`${near}\`?`;
  throw invalidRequest(path, `\`${path}\` must be one of ${words.join(', ')}, not ${kindOf(value)}.${hint}`);
}

/** For messages: what was found instead, short and without its content where that could be long. */
function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string') return JSON.stringify(value.slice(0, MAX_NAME_CHARS));
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return typeof value === 'object' ? 'an object' : typeof value;
}

/** The known name with the fewest edits, when it is near enough to be meant (a third of its length, at least 2). */
export function nearestName(name: string, known: readonly string[]): string | null {
  if (name.length > MAX_NAME_CHARS) return null;
  let best: string | null = null;
  let bestEdits = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const edits = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (edits < bestEdits) [best, bestEdits] = [candidate, edits];
  }
  return best !== null && bestEdits <= Math.max(2, Math.floor(best.length / 3)) ? best : null;
}

function editDistance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const replaced = (previous[column - 1] ?? 0) + (left[row - 1] === right[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}
