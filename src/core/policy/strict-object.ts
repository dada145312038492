import { invalidRequest } from '../errors/gateway-error.js';
import { nearestNames } from '../text/index.js';

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
  const [near] = nearestNames(name, known, 1);
  const hint = near === undefined ? `Known: ${known.join(', ')}.` : `Did you mean \`${near}\`?`;
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
  const [near] = typeof value === 'string' ? nearestNames(value, words, 1) : [];
  const hint = near === undefined ? '' : ` Did you mean \`${near}\`?`;
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
