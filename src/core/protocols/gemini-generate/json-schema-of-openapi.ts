import { isWire, type Wire } from './wire.js';

const MAX_DEPTH = 64;
const TYPE_NAMES: Readonly<Record<string, string>> = { '1': 'string', '2': 'number', '3': 'integer', '4': 'boolean', '5': 'array', '6': 'object', '7': 'null' };
const SUBSCHEMA = new Set(['items', 'additionalProperties', 'additional_properties']);
const SUBSCHEMA_LISTS = new Set(['anyOf', 'any_of', 'oneOf', 'allOf', 'prefixItems']);
const CAMEL: Readonly<Record<string, string>> = {
  any_of: 'anyOf',
  max_items: 'maxItems',
  min_items: 'minItems',
  min_length: 'minLength',
  max_length: 'maxLength',
  min_properties: 'minProperties',
  max_properties: 'maxProperties',
  property_ordering: 'propertyOrdering',
  additional_properties: 'additionalProperties',
};

/** Gemini's `Schema` (OpenAPI 3.0 words: `STRING`, `nullable`, lengths as strings) as JSON Schema. Pure; never changes its argument. */
export function jsonSchemaOf(schema: Wire, depth = 0): Wire {
  if (depth > MAX_DEPTH) return {};
  const result: Wire = {};
  for (const [written, value] of Object.entries(schema)) {
    if (value === null || written === 'nullable') continue;
    result[CAMEL[written] ?? written] = valueOf(written, value, depth);
  }
  return schema['nullable'] === true ? nullable(result) : result;
}

function valueOf(keyword: string, value: unknown, depth: number): unknown {
  const nested = (entry: unknown): unknown => (isWire(entry) ? jsonSchemaOf(entry, depth + 1) : entry);
  if (keyword === 'type') return typeName(value);
  if (keyword === 'properties' && isWire(value)) return Object.fromEntries(Object.entries(value).map(([name, property]) => [name, nested(property)]));
  if (SUBSCHEMA.has(keyword)) return nested(value);
  if (SUBSCHEMA_LISTS.has(keyword) && Array.isArray(value)) return value.map(nested);
  // int64 fields travel as strings in Google's JSON.
  if (/^(?:min|max)[A-Z_]/.test(keyword) && typeof value === 'string' && /^\d{1,15}$/.test(value)) return Number(value);
  return value;
}

function typeName(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typeName);
  const name = String(value);
  return TYPE_NAMES[name] ?? name.toLowerCase();
}

function nullable(schema: Wire): Wire {
  if (typeof schema['type'] === 'string' && schema['type'] !== 'null')
    return { ...schema, type: [schema['type'], 'null'], ...(Array.isArray(schema['enum']) ? { enum: [...schema['enum'], null] } : {}) };
  if (Array.isArray(schema['anyOf'])) return { ...schema, anyOf: [...schema['anyOf'], { type: 'null' }] };
  return schema;
}
