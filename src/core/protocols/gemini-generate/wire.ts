import { invalidRequest } from '../../errors/gateway-error.js';

/** A JSON object of the wire. */
export type Wire = Record<string, unknown>;

/** Marks canonical parts and reasoning that only this protocol can read. */
export const GEMINI = 'gemini-generate';

export function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Google's JSON form of protocol buffers accepts a field as `lowerCamelCase` and under its original `snake_case` name;
 * `null` is the same as absent (https://protobuf.dev/programming-guides/json/, read 2026-11-21).
 */
export function snakeCase(camel: string): string {
  return camel.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** The name under which the client wrote a member, or null when it is absent or null. */
export function writtenName(object: Wire, camel: string): string | null {
  if (object[camel] !== undefined && object[camel] !== null) return camel;
  const snake = snakeCase(camel);
  return object[snake] === undefined || object[snake] === null ? null : snake;
}

/** A member in either spelling; undefined when absent or null. */
export function member(object: Wire, camel: string): unknown {
  const name = writtenName(object, camel);
  return name === null ? undefined : object[name];
}

export function objectMember(object: Wire, camel: string, path: string): Wire | undefined {
  return typed(object, camel, { path, kind: 'an object', accepts: isWire });
}

export function stringMember(object: Wire, camel: string, path: string): string | undefined {
  return typed(object, camel, { path, kind: 'a string', accepts: (value) => typeof value === 'string' });
}

export function numberMember(object: Wire, camel: string, path: string): number | undefined {
  return typed(object, camel, { path, kind: 'a finite number', accepts: (value) => typeof value === 'number' && Number.isFinite(value) });
}

export function integerMember(object: Wire, camel: string, path: string): number | undefined {
  return typed(object, camel, { path, kind: 'an integer', accepts: (value) => Number.isSafeInteger(value) });
}

export function booleanMember(object: Wire, camel: string, path: string): boolean | undefined {
  return typed(object, camel, { path, kind: 'a boolean', accepts: (value) => typeof value === 'boolean' });
}

export function arrayMember(object: Wire, camel: string, path: string): unknown[] | undefined {
  return typed(object, camel, { path, kind: 'an array', accepts: Array.isArray });
}

interface Expected {
  path: string;
  kind: string;
  accepts(value: unknown): boolean;
}

function typed<T>(object: Wire, camel: string, expected: Expected): T | undefined {
  const name = writtenName(object, camel);
  if (name === null) return undefined;
  const value = object[name];
  const path = expected.path === '' ? name : `${expected.path}.${name}`;
  if (!expected.accepts(value)) throw invalidRequest(path, `\`${path}\` must be ${expected.kind}.`);
  return value as T;
}

/** What is left of an object when the members in `known` (camelCase; either spelling) and nulls are taken out. */
export function remainder(object: Wire, known: ReadonlySet<string>): Wire {
  const spelled = new Set([...known].flatMap((camel) => [camel, snakeCase(camel)]));
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => !spelled.has(name) && value !== null));
}

/** Sets a member only when there is a value, so that absent stays absent on the wire. */
export function put<Target extends object>(target: Target, name: string, value: unknown): void {
  if (value !== undefined) Object.assign(target, { [name]: value });
}
