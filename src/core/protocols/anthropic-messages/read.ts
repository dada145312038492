import type { CacheControl, ForeignMembers } from '../../chat/message.js';
import { Fields, type JsonObject } from '../../json/index.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { PROTOCOL } from './types.js';

/** Text that must be there but may be empty. */
export function textOf(fields: Fields, key: string): string {
  const value = fields.string(key);
  if (value === undefined) throw invalidRequest(fields.at(key), `\`${fields.at(key)}\` is missing; it must be a string.`);
  return value;
}

export function cacheControlOf(fields: Fields): CacheControl | undefined {
  const control = fields.fields('cache_control');
  if (control === undefined) return undefined;
  if (control.object['type'] !== 'ephemeral') throw control.wrong('type', '"ephemeral"');
  const ttl = control.oneOf('ttl', ['5m', '1h']);
  return ttl === undefined ? { type: 'ephemeral' } : { type: 'ephemeral', ttl };
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
