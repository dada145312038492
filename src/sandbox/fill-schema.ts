import { isRecord, type JsonRecord } from './json-record.js';

/** Deeper schemas (recursive ones most of all) end in the shallowest value that is still valid. */
const MAX_DEPTH = 12;
const MAX_ITEMS = 1_000;

interface Filling {
  root: JsonRecord;
  /** Text for strings that nothing else determines. */
  text: string;
}

/**
 * A value that is valid against a JSON Schema, the same one every time: first of `enum`, `const`, `default` or `examples`, the
 * lowest number in range, required members only. Understands local `$ref`, `anyOf`, `oneOf`, `allOf`.
 */
export function fillSchema(schema: unknown, text = 'sandbox'): unknown {
  return fill(schema, { root: isRecord(schema) ? schema : {}, text }, 0);
}

function fill(schema: unknown, filling: Filling, depth: number): unknown {
  if (!isRecord(schema)) return filling.text;
  const stated = statedValue(schema);
  if (stated !== undefined) return stated;
  if (typeof schema['$ref'] === 'string') return depth >= MAX_DEPTH ? null : fill(resolveRef(schema['$ref'], filling.root), filling, depth + 1);
  const choices = schema['anyOf'] ?? schema['oneOf'];
  if (Array.isArray(choices) && choices.length > 0) return fill(shallowest(choices, depth), filling, depth + 1);
  if (Array.isArray(schema['allOf']) && schema['allOf'].length > 0) return fill(merged(schema, schema['allOf']), filling, depth + 1);
  return ofType(schema, filling, depth);
}

function statedValue(schema: JsonRecord): unknown {
  if ('const' in schema) return schema['const'];
  for (const list of [schema['enum'], schema['examples']]) if (Array.isArray(list) && list.length > 0) return list[0];
  return 'default' in schema ? schema['default'] : undefined;
}

function ofType(schema: JsonRecord, filling: Filling, depth: number): unknown {
  switch (typeOf(schema, depth)) {
    case 'string':
      return stringFor(schema, filling.text);
    case 'integer':
    case 'number':
      return numberFor(schema);
    case 'boolean':
      return true;
    case 'null':
      return null;
    case 'array':
      return arrayFor(schema, filling, depth);
    case 'object':
      return objectFor(schema, filling, depth);
    default:
      return filling.text;
  }
}

function typeOf(schema: JsonRecord, depth: number): unknown {
  const types: readonly unknown[] = Array.isArray(schema['type']) ? schema['type'] : [schema['type']];
  if (depth >= MAX_DEPTH && types.includes('null')) return 'null';
  return types[0] ?? (isRecord(schema['properties']) ? 'object' : undefined);
}

const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  time: '12:00:00Z',
  'date-time': '2026-01-01T12:00:00Z',
  email: 'sandbox@example.com',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  hostname: 'example.com',
  duration: 'PT1M',
};

function stringFor(schema: JsonRecord, text: string): string {
  const format = typeof schema['format'] === 'string' ? FORMATS[schema['format']] : undefined;
  if (format !== undefined) return format;
  const least = numberOr(schema['minLength'], 0);
  const most = numberOr(schema['maxLength'], Number.POSITIVE_INFINITY);
  return text.padEnd(Math.min(least, 10_000), '.').slice(0, Math.max(least, Math.min(most, 10_000)));
}

function numberFor(schema: JsonRecord): number {
  const step = numberOr(schema['multipleOf'], 1);
  const above = numberOr(schema['exclusiveMinimum'], Number.NEGATIVE_INFINITY);
  const least = Math.max(
    numberOr(schema['minimum'], Number.NEGATIVE_INFINITY),
    above === Number.NEGATIVE_INFINITY ? above : above + (schema['type'] === 'integer' ? 1 : step),
  );
  const most = Math.min(numberOr(schema['maximum'], Number.POSITIVE_INFINITY), numberOr(schema['exclusiveMaximum'], Number.POSITIVE_INFINITY) - 1);
  const wanted = Math.min(Math.max(1, least), most);
  const stepped = Math.ceil(wanted / step) * step;
  return stepped <= most ? stepped : wanted;
}

function arrayFor(schema: JsonRecord, filling: Filling, depth: number): unknown[] {
  const least = Math.min(MAX_ITEMS, numberOr(schema['minItems'], depth >= MAX_DEPTH ? 0 : 1));
  const tuple = Array.isArray(schema['prefixItems']) ? schema['prefixItems'] : [];
  const count = Math.min(Math.max(least, tuple.length), numberOr(schema['maxItems'], MAX_ITEMS));
  return Array.from({ length: count }, (_, index) => fill(tuple[index] ?? schema['items'], filling, depth + 1));
}

function objectFor(schema: JsonRecord, filling: Filling, depth: number): JsonRecord {
  const properties = isRecord(schema['properties']) ? schema['properties'] : {};
  const required = Array.isArray(schema['required']) ? schema['required'].filter((name) => typeof name === 'string') : Object.keys(properties);
  const names = depth >= MAX_DEPTH || required.length > 0 ? required : Object.keys(properties);
  return Object.fromEntries(names.map((name) => [name, fill(properties[name], filling, depth + 1)]));
}

/** Near the bottom a branch that ends is taken, or a recursive schema would never be filled. */
function shallowest(choices: readonly unknown[], depth: number): unknown {
  if (depth < MAX_DEPTH / 2) return choices.find((choice) => !isNull(choice)) ?? choices[0];
  return choices.find(isNull) ?? choices.find((choice) => isRecord(choice) && !('$ref' in choice) && choice['type'] !== 'object') ?? choices[0];
}

const isNull = (choice: unknown): boolean => isRecord(choice) && choice['type'] === 'null';

function merged(schema: JsonRecord, parts: readonly unknown[]): JsonRecord {
  const all = [schema, ...parts.filter(isRecord)];
  const properties = Object.assign({}, ...all.map((part) => part['properties'] ?? {})) as JsonRecord;
  const required = all.flatMap((part) => (Array.isArray(part['required']) ? (part['required'] as unknown[]) : []));
  const { allOf: _allOf, ...own } = Object.assign({}, ...all) as JsonRecord;
  return { ...own, ...(Object.keys(properties).length > 0 ? { type: 'object', properties, required: [...new Set(required)] } : {}) };
}

function resolveRef(ref: string, root: JsonRecord): unknown {
  if (!ref.startsWith('#')) return {};
  let found: unknown = root;
  for (const name of ref
    .slice(1)
    .split('/')
    .filter((part) => part !== '')) {
    if (!isRecord(found)) return {};
    found = found[decodeURIComponent(name).replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return found;
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' && Number.isFinite(value) ? value : otherwise;
}
