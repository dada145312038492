import { isWire, type Wire } from './wire.js';

/** Deeper than this a schema is cut to "any value"; recursive references are followed `MAX_RECURSION` times. */
const MAX_DEPTH = 32;
const MAX_RECURSION = 2;
/** Bounds the work on schemas that expand exponentially through references. */
const MAX_NODES = 5_000;
const MAX_BRANCHES = 64;

/** Keywords of Gemini's `Schema` that are copied as they are (https://ai.google.dev/api/caching#Schema, read 2026-11-21). */
const COPIED = [
  'title',
  'description',
  'minItems',
  'maxItems',
  'minProperties',
  'maxProperties',
  'minLength',
  'maxLength',
  'pattern',
  'minimum',
  'maximum',
  'default',
  'example',
  'propertyOrdering',
  'required',
];
/** Only these formats are accepted; others are refused with 400. */
const FORMATS: Readonly<Record<string, ReadonlySet<string>>> = {
  NUMBER: new Set(['float', 'double']),
  INTEGER: new Set(['int32', 'int64']),
  STRING: new Set(['enum', 'date-time']),
};
const TYPES: ReadonlySet<string> = new Set(['STRING', 'NUMBER', 'INTEGER', 'BOOLEAN', 'ARRAY', 'OBJECT']);

interface Walk {
  root: Wire;
  nodes: number;
  /** References being followed, with how often. */
  open: Map<string, number>;
}

/**
 * JSON Schema as Gemini's OpenAPI subset, for models without `parametersJsonSchema`. Pure and total: references are put in
 * place, a recursive one ends after two rounds; `const` becomes `enum`; several types become `nullable` and `anyOf`;
 * `allOf` is merged, `oneOf` read as `anyOf`; what the subset cannot say (`additionalProperties`, `not`, `if` …) is dropped,
 * which only ever accepts more. `anyOf` stands alone in its node, as the API demands (vercel/ai pull 19000, 2026-08-18).
 */
export function schemaSubset(schema: Wire): Wire {
  return convert(schema, { root: schema, nodes: 0, open: new Map() }, 0);
}

function convert(schema: unknown, walk: Walk, depth: number): Wire {
  walk.nodes += 1;
  if (!isWire(schema) || depth > MAX_DEPTH || walk.nodes > MAX_NODES) return anyValue();
  if (typeof schema['$ref'] === 'string') return followed(schema, walk, depth);
  if (Array.isArray(schema['allOf'])) return intersection(schema, walk, depth);
  const alternatives = alternativesOf(schema);
  if (alternatives !== null) return union(schema, alternatives, { walk, depth });
  return plain(schema, walk, depth);
}

/** A value of any kind: the subset demands a type, and a string is what a model can always write. */
const anyValue = (): Wire => ({ type: 'STRING' });

function followed(schema: Wire, walk: Walk, depth: number): Wire {
  const reference = schema['$ref'] as string;
  const target = resolve(walk.root, reference);
  const times = walk.open.get(reference) ?? 0;
  if (target === null || times >= MAX_RECURSION) return described({ type: 'OBJECT' }, schema);
  walk.open.set(reference, times + 1);
  const { $ref: _, ...siblings } = schema;
  const result = convert({ ...target, ...siblings }, walk, depth + 1);
  walk.open.set(reference, times);
  return result;
}

function described(target: Wire, source: Wire): Wire {
  return typeof source['description'] === 'string' ? { ...target, description: source['description'] } : target;
}

/** `#/$defs/Node` within the same document; anything else cannot be followed. */
function resolve(root: Wire, reference: string): Wire | null {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return null;
  let node: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = decodePointer(step);
    if (Array.isArray(node)) node = node[Number(name)];
    else if (isWire(node) && Object.hasOwn(node, name)) node = node[name];
    else return null;
  }
  return isWire(node) ? node : null;
}

function decodePointer(step: string): string {
  const plainStep = step.replaceAll('~1', '/').replaceAll('~0', '~');
  try {
    return decodeURIComponent(plainStep);
  } catch {
    return plainStep;
  }
}

/** `allOf` as one schema: properties and requirements together, otherwise the later word wins. */
function intersection(schema: Wire, walk: Walk, depth: number): Wire {
  const { allOf, ...own } = schema;
  const opened: string[] = [];
  const branches = (allOf as unknown[]).slice(0, MAX_BRANCHES).map((branch) => {
    if (!isWire(branch)) return {};
    if (typeof branch['$ref'] !== 'string') return branch;
    const { $ref, ...siblings } = branch;
    const target = resolve(walk.root, $ref as string);
    if (target === null || (walk.open.get($ref as string) ?? 0) >= MAX_RECURSION) return siblings;
    opened.push($ref as string);
    walk.open.set($ref as string, (walk.open.get($ref as string) ?? 0) + 1);
    return { ...target, ...siblings };
  });
  const result = convert([...branches, own].reduce<Wire>(combined, {}), walk, depth + 1);
  for (const reference of opened) walk.open.set(reference, (walk.open.get(reference) ?? 1) - 1);
  return result;
}

function combined(one: Wire, other: Wire): Wire {
  const result: Wire = { ...one };
  for (const [keyword, value] of Object.entries(other)) result[keyword] = both(keyword, result[keyword], value);
  return result;
}

function both(keyword: string, before: unknown, value: unknown): unknown {
  if (keyword === 'properties' && isWire(before) && isWire(value)) return { ...before, ...value };
  if (!Array.isArray(before) || !Array.isArray(value)) return value;
  if (keyword === 'required') return [...new Set([...before, ...value])];
  return keyword === 'allOf' ? [...before, ...value] : value;
}

/** The branches of a node that is a union: `anyOf`, `oneOf`, or several types. */
function alternativesOf(schema: Wire): unknown[] | null {
  for (const keyword of ['anyOf', 'oneOf']) {
    if (Array.isArray(schema[keyword]) && schema[keyword].length > 0) return schema[keyword];
  }
  const types = schema['type'];
  if (!Array.isArray(types)) return null;
  const { type: _, title: _title, description: _description, ...rest } = schema;
  return types.length === 0 ? [rest] : types.map((type) => ({ ...forType(rest, String(type)), type }));
}

const KEYWORDS_OF: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'minProperties', 'maxProperties', 'propertyOrdering'],
  array: ['items', 'prefixItems', 'minItems', 'maxItems'],
  string: ['pattern', 'minLength', 'maxLength'],
};

/** A type takes only the keywords that speak of it; the others are refused beside it. */
function forType(schema: Wire, type: string): Wire {
  const foreign = Object.entries(KEYWORDS_OF).flatMap(([owner, keywords]) => (owner === type ? [] : keywords));
  return Object.fromEntries(Object.entries(schema).filter(([keyword]) => !foreign.includes(keyword)));
}

const isNull = (branch: unknown): boolean => isWire(branch) && (branch['type'] === 'null' || branch['type'] === 'NULL' || branch['const'] === null);

function union(schema: Wire, alternatives: unknown[], at: { walk: Walk; depth: number }): Wire {
  const branches = alternatives.filter((branch) => !isNull(branch));
  const nullable = branches.length < alternatives.length;
  const siblings = Object.fromEntries(Object.entries(schema).filter(([keyword]) => !['anyOf', 'oneOf', 'type', '$defs', 'definitions'].includes(keyword)));
  const inherit = (branch: unknown): unknown => (isWire(branch) && Array.isArray(schema['anyOf'] ?? schema['oneOf']) ? combined(siblings, branch) : branch);
  if (branches.length === 0) return { type: 'STRING', nullable: true };
  if (branches.length === 1) {
    const only = convert(isWire(branches[0]) ? combined(siblings, branches[0]) : branches[0], at.walk, at.depth + 1);
    return nullable ? { ...only, nullable: true } : only;
  }
  const anyOf = branches.map((branch) => convert(inherit(branch), at.walk, at.depth + 1));
  return { anyOf: nullable ? anyOf.map((branch) => ({ ...branch, nullable: true })) : anyOf };
}

function plain(written: Wire, walk: Walk, depth: number): Wire {
  const type = typeOf(written);
  const schema = forType(written, type.toLowerCase());
  const result: Wire = { type, ...copied(schema) };
  const format = schema['format'];
  if (typeof format === 'string' && FORMATS[type]?.has(format)) result['format'] = format;
  const values = 'const' in schema ? [schema['const']] : schema['enum'];
  if (Array.isArray(values)) enumerate(result, values);
  if (type === 'ARRAY') result['items'] = itemsOf(schema, walk, depth);
  if (type === 'OBJECT') properties(result, schema, { walk, depth });
  if (schema['nullable'] === true) result['nullable'] = true;
  return result;
}

function copied(schema: Wire): Wire {
  return Object.fromEntries(COPIED.filter((keyword) => schema[keyword] !== undefined && schema[keyword] !== null).map((keyword) => [keyword, schema[keyword]]));
}

function typeOf(schema: Wire): string {
  const written = typeof schema['type'] === 'string' ? schema['type'].toUpperCase() : '';
  if (TYPES.has(written)) return written;
  if (isWire(schema['properties'])) return 'OBJECT';
  if (schema['items'] !== undefined || schema['prefixItems'] !== undefined) return 'ARRAY';
  const sample = 'const' in schema ? schema['const'] : Array.isArray(schema['enum']) ? (schema['enum'] as unknown[])[0] : '';
  return typeof sample === 'number' ? 'NUMBER' : typeof sample === 'boolean' ? 'BOOLEAN' : 'STRING';
}

/** `enum` is a list of strings in the subset; on numbers it is refused, so there it becomes words in the description. */
function enumerate(result: Wire, values: unknown[]): void {
  const present = values.filter((value) => value !== null);
  if (present.length < values.length) result['nullable'] = true;
  if (result['type'] === 'STRING') {
    if (present.length > 0) result['enum'] = present.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)));
    return;
  }
  const words = `One of: ${present.map((value) => JSON.stringify(value)).join(', ')}.`;
  result['description'] = typeof result['description'] === 'string' ? `${result['description']} ${words}` : words;
}

function itemsOf(schema: Wire, walk: Walk, depth: number): Wire {
  const items = schema['items'];
  if (isWire(items)) return convert(items, walk, depth + 1);
  const listed = Array.isArray(items) ? items : Array.isArray(schema['prefixItems']) ? (schema['prefixItems'] as unknown[]) : [];
  if (listed.length === 0) return anyValue();
  return convert(listed.length === 1 ? listed[0] : { anyOf: listed }, walk, depth + 1);
}

function properties(result: Wire, schema: Wire, at: { walk: Walk; depth: number }): void {
  const written = isWire(schema['properties']) ? schema['properties'] : {};
  const converted = Object.fromEntries(Object.entries(written).map(([name, property]) => [name, convert(property, at.walk, at.depth + 1)]));
  // An object without properties is refused ("should be non-empty for OBJECT type") unless the keyword is left out altogether.
  if (Object.keys(converted).length > 0) result['properties'] = converted;
  if (!Array.isArray(result['required'])) return;
  const required = (result['required'] as unknown[]).filter((name) => typeof name === 'string' && Object.hasOwn(converted, name));
  if (required.length > 0) result['required'] = required;
  else delete result['required'];
}
