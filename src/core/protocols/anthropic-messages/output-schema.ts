import { isObject, type JsonObject } from './types.js';

/**
 * JSON Schema → the subset that `output_config.format` compiles (platform.claude.com "Structured outputs" and the official SDK's own
 * schema transformation, 1.11, read 2026-11): objects closed, no numeric or length limits, few string formats. What is taken away is
 * told to the model in the description, so that it is not lost.
 */
const FORMATS: ReadonlySet<unknown> = new Set(['date-time', 'time', 'date', 'duration', 'email', 'hostname', 'uri', 'ipv4', 'ipv6', 'uuid']);
/** Members that stay as they are. */
const KEPT: ReadonlySet<string> = new Set(['type', 'enum', 'const', 'description', 'title', 'default', 'required', '$ref']);
/** Members that constrain nothing, or are decided here. */
const UNTOLD: ReadonlySet<string> = new Set(['$schema', '$id', 'additionalProperties']);
/** Members whose value is one schema, a list of schemas, a table of schemas. */
const SCHEMA_LISTS: ReadonlySet<string> = new Set(['anyOf', 'allOf']);
const SCHEMA_TABLES: ReadonlySet<string> = new Set(['properties', '$defs', 'definitions']);

interface OutputSchema {
  schema: JsonObject;
  /** Something was closed, moved or removed. */
  changed: boolean;
}

export function outputSchema(schema: JsonObject): OutputSchema {
  const state = { changed: false };
  return { schema: transform(schema, state), changed: state.changed };
}

interface State {
  changed: boolean;
}

function transform(value: unknown, state: State): JsonObject {
  if (!isObject(value)) return {};
  const out: JsonObject = {};
  const told: JsonObject = {};
  for (const [key, member] of Object.entries(value)) transformMember(key, member, { out, told, state });
  if (out['type'] === 'object' || out['properties'] !== undefined) close(value, out, state);
  tell(out, told, state);
  return out;
}

interface Target {
  out: JsonObject;
  told: JsonObject;
  state: State;
}

function transformMember(key: string, member: unknown, { out, told, state }: Target): void {
  if (isKept(key, member)) out[key] = member;
  else if (key === 'items') out[key] = transform(member, state);
  else if (SCHEMA_TABLES.has(key) && isObject(member))
    out[key] = Object.fromEntries(Object.entries(member).map(([name, inner]) => [name, transform(inner, state)]));
  else if (SCHEMA_LISTS.has(key) && Array.isArray(member)) out[key] = member.map((inner) => transform(inner, state));
  else if (key === 'oneOf' && Array.isArray(member)) {
    out['anyOf'] = member.map((inner) => transform(inner, state));
    state.changed = true;
  } else if (!UNTOLD.has(key)) told[key] = member;
}

function isKept(key: string, member: unknown): boolean {
  if (key === 'format') return FORMATS.has(member);
  return KEPT.has(key) || (key === 'minItems' && (member === 0 || member === 1));
}

function close(source: JsonObject, out: JsonObject, state: State): void {
  if (source['additionalProperties'] !== false) state.changed = true;
  out['additionalProperties'] = false;
}

function tell(out: JsonObject, told: JsonObject, state: State): void {
  const words = Object.entries(told).map(([key, member]) => `${key}: ${JSON.stringify(member)}`);
  if (words.length === 0) return;
  state.changed = true;
  const before = typeof out['description'] === 'string' ? `${out['description']}\n\n` : '';
  out['description'] = `${before}(${words.join(', ')})`;
}
