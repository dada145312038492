import { invalidRequest } from '../../errors/gateway-error.js';
import type { CacheControl, ForeignMembers } from '../../chat/message.js';
import { isObject, PROTOCOL, type JsonObject } from './types.js';

/** Reads typed members of a client's JSON; every fault names the JSON path. `null` counts as absent, as Anthropic's own API has it. */
export function at(path: string, key: string | number): string {
  if (typeof key === 'number') return `${path}[${key}]`;
  return path === '' ? key : `${path}.${key}`;
}

export function asObject(value: unknown, path: string): JsonObject {
  if (!isObject(value)) throw invalidRequest(path, `'${path}' must be an object.`);
  return value;
}

export function asArray(value: unknown, path: string): unknown[] {
  if (!Array.isArray(value)) throw invalidRequest(path, `'${path}' must be an array.`);
  return value;
}

export function getString(object: JsonObject, key: string, path: string): string {
  const value = object[key];
  const where = at(path, key);
  if (typeof value !== 'string') throw invalidRequest(where, value === undefined ? `'${where}' is required.` : `'${where}' must be a string.`);
  return value;
}

export function findString(object: JsonObject, key: string, path: string): string | undefined {
  const value = object[key];
  return value === undefined || value === null ? undefined : getString(object, key, path);
}

export function findBoolean(object: JsonObject, key: string, path: string): boolean | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw invalidRequest(at(path, key), `'${at(path, key)}' must be true or false.`);
  return value;
}

export function findNumber(object: JsonObject, key: string, path: string): number | undefined {
  const value = object[key];
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'number' || !Number.isFinite(value)) throw invalidRequest(at(path, key), `'${at(path, key)}' must be a number.`);
  return value;
}

/** A whole number of at least `min` that JavaScript can hold exactly. */
export function findCount(object: JsonObject, key: string, path: string, min: number): number | undefined {
  const value = findNumber(object, key, path);
  if (value === undefined) return undefined;
  if (!Number.isSafeInteger(value) || value < min) throw invalidRequest(at(path, key), `'${at(path, key)}' must be a whole number of at least ${min}.`);
  return value;
}

export function findObject(object: JsonObject, key: string, path: string): JsonObject | undefined {
  const value = object[key];
  return value === undefined || value === null ? undefined : asObject(value, at(path, key));
}

export function findArray(object: JsonObject, key: string, path: string): unknown[] | undefined {
  const value = object[key];
  return value === undefined || value === null ? undefined : asArray(value, at(path, key));
}

export function findCacheControl(object: JsonObject, path: string): CacheControl | undefined {
  const value = findObject(object, 'cache_control', path);
  if (value === undefined) return undefined;
  const where = at(path, 'cache_control');
  if (value['type'] !== 'ephemeral') throw invalidRequest(at(where, 'type'), `'${at(where, 'type')}' must be 'ephemeral'.`);
  const ttl = findString(value, 'ttl', where);
  if (ttl === undefined) return { type: 'ephemeral' };
  if (ttl !== '5m' && ttl !== '1h') throw invalidRequest(at(where, 'ttl'), `'${at(where, 'ttl')}' must be '5m' or '1h'.`);
  return { type: 'ephemeral', ttl };
}

/** What a block holds besides the members we translate; undefined when there is nothing. `null` members mean nothing. */
export function foreignMembers(object: JsonObject, known: ReadonlySet<string>): ForeignMembers | undefined {
  const members = Object.fromEntries(Object.entries(object).filter(([key, value]) => !known.has(key) && value !== null && value !== undefined));
  return Object.keys(members).length === 0 ? undefined : { protocol: PROTOCOL, members };
}

/** A copy without the members that are undefined, so that canonical objects compare by what they say. */
export function compact<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
