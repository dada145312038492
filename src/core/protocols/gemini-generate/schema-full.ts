import { isWire, type Wire } from './wire.js';

const MAX_DEPTH = 64;
const NESTED = new Set(['items', 'additionalProperties', 'not', 'contains', 'if', 'then', 'else', 'propertyNames']);
const NAMED = new Set(['properties', '$defs', 'definitions', 'patternProperties']);
const LISTED = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems']);

/**
 * Keywords of `responseJsonSchema` (https://ai.google.dev/api/generate-content#GenerationConfig, read 2026-11-21): besides these nothing
 * is supported. `definitions` is kept because `$ref` may point into it.
 */
const SUPPORTED = new Set([
  '$id',
  '$defs',
  '$ref',
  '$anchor',
  'type',
  'format',
  'title',
  'description',
  'enum',
  'items',
  'prefixItems',
  'minItems',
  'maxItems',
  'minimum',
  'maximum',
  'anyOf',
  'oneOf',
  'properties',
  'additionalProperties',
  'required',
  'propertyOrdering',
  'definitions',
]);

/** JSON Schema for `parametersJsonSchema`: as written, without the dialect's address and with an object at the root. */
export function parametersSchema(schema: Wire): Wire {
  const { $schema: _, ...rest } = schema;
  return rest['type'] === undefined && rest['$ref'] === undefined && rest['anyOf'] === undefined ? { type: 'object', ...rest } : rest;
}

/** JSON Schema for `responseJsonSchema`: `const` as `enum`, keywords that it does not know taken out. Pure; bounded depth. */
export function responseSchema(schema: Wire, depth = 0): Wire {
  if (depth > MAX_DEPTH) return {};
  const result: Wire = {};
  for (const [keyword, value] of Object.entries(schema)) {
    if (SUPPORTED.has(keyword)) result[keyword] = valueOf(keyword, value, depth);
  }
  if ('const' in schema) result['enum'] = [schema['const']];
  // "If $ref is set on a sub-schema, no other properties except those starting with $ may be set."
  if (typeof result['$ref'] !== 'string') return result;
  return Object.fromEntries(Object.entries(result).filter(([keyword]) => keyword.startsWith('$')));
}

function valueOf(keyword: string, value: unknown, depth: number): unknown {
  const nested = (entry: unknown): unknown => (isWire(entry) ? responseSchema(entry, depth + 1) : entry);
  if (NESTED.has(keyword)) return nested(value);
  if (NAMED.has(keyword) && isWire(value)) return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, nested(entry)]));
  if (LISTED.has(keyword) && Array.isArray(value)) return value.map(nested);
  return value;
}
