import { invalidRequest } from '../errors/gateway-error.js';

export type JsonObject = Record<string, unknown>;

export interface NumberRange {
  min: number;
  max: number;
}

/**
 * Reads the members of one JSON object and throws GatewayError 400 with the JSON path of what is wrong. `null` counts as
 * absent for optional members, as OpenAI's own clients send it.
 */
export class Fields {
  constructor(
    readonly object: JsonObject,
    readonly path: string,
  ) {}

  /** Throws when the value is no object. */
  static of(value: unknown, path: string): Fields {
    if (!isObject(value)) throw invalidRequest(path, `${path === '' ? 'The body' : `\`${path}\``} must be an object, but is ${kindOf(value)}.`);
    return new Fields(value, path);
  }

  at(key: string): string {
    return this.path === '' ? key : `${this.path}.${key}`;
  }

  has(key: string): boolean {
    return this.object[key] !== undefined && this.object[key] !== null;
  }

  string(key: string): string | undefined {
    const value = this.object[key];
    if (value === undefined || value === null || typeof value === 'string') return value ?? undefined;
    throw this.wrong(key, 'a string');
  }

  requiredString(key: string): string {
    const value = this.object[key];
    if (typeof value === 'string' && value !== '') return value;
    if (value === undefined) throw invalidRequest(this.at(key), `\`${this.at(key)}\` is missing; it must be a non-empty string.`);
    throw this.wrong(key, 'a non-empty string');
  }

  boolean(key: string): boolean | undefined {
    const value = this.object[key];
    if (value === undefined || value === null || typeof value === 'boolean') return value ?? undefined;
    throw this.wrong(key, 'true or false');
  }

  number(key: string, range: NumberRange): number | undefined {
    const value = this.object[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && value >= range.min && value <= range.max) return value;
    throw this.wrong(key, `a number from ${range.min} to ${range.max}`);
  }

  integer(key: string, range: NumberRange): number | undefined {
    const value = this.object[key];
    if (value === undefined || value === null) return undefined;
    if (typeof value === 'number' && Number.isInteger(value) && value >= range.min && value <= range.max) return value;
    throw this.wrong(key, `an integer from ${range.min} to ${range.max}`);
  }

  oneOf<T extends string>(key: string, allowed: readonly T[]): T | undefined {
    const value = this.string(key);
    if (value === undefined) return undefined;
    if ((allowed as readonly string[]).includes(value)) return value as T;
    throw this.wrong(key, `one of ${allowed.map((word) => `"${word}"`).join(', ')}`);
  }

  rawObject(key: string): JsonObject | undefined {
    const value = this.object[key];
    if (value === undefined || value === null) return undefined;
    if (isObject(value)) return value;
    throw this.wrong(key, 'an object');
  }

  fields(key: string): Fields | undefined {
    const value = this.rawObject(key);
    return value === undefined ? undefined : new Fields(value, this.at(key));
  }

  requiredFields(key: string): Fields {
    if (this.object[key] === undefined) throw invalidRequest(this.at(key), `\`${this.at(key)}\` is missing; it must be an object.`);
    return Fields.of(this.object[key], this.at(key));
  }

  array(key: string, maxItems: number): unknown[] | undefined {
    const value = this.object[key];
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) throw this.wrong(key, 'an array');
    if (value.length > maxItems) throw invalidRequest(this.at(key), `\`${this.at(key)}\` has ${value.length} items; at most ${maxItems} are accepted.`);
    return value as unknown[];
  }

  stringArray(key: string, maxItems: number): string[] | undefined {
    const items = this.array(key, maxItems);
    items?.forEach((item, at) => {
      if (typeof item !== 'string') throw invalidRequest(`${this.at(key)}[${at}]`, `\`${this.at(key)}[${at}]\` must be a string, but is ${kindOf(item)}.`);
    });
    return items as string[] | undefined;
  }

  /** The error for a member of the wrong type or value. */
  wrong(key: string, expected: string) {
    const path = this.at(key);
    return invalidRequest(path, `\`${path}\` must be ${expected}, but is ${kindOf(this.object[key])}.`);
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A value in few words, for messages: its kind, and itself when it is short. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'missing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string') return value.length <= 40 ? JSON.stringify(value) : `a string of ${value.length} characters`;
  return String(value);
}
