import type { DialectReport } from './dialect-report.js';
import { isRecord, mapMembers, mapSame, type Wire } from './member.js';

/** Schemas are the client's, so their nesting is too: what lies deeper passes as it is. */
const MAX_DEPTH = 40;

/** Moves the `type` that stands beside `anyOf` into its alternatives, in every tool. Not reported: the schema accepts the same. */
export function anyOfTypes(wire: Wire, _argument: true, _report: DialectReport): Wire {
  return mapMembers(wire, 'tools', (tool) => {
    const definition = tool['function'];
    if (!isRecord(definition)) return tool;
    const parameters = moved(definition['parameters'], 0);
    return parameters === definition['parameters'] ? tool : { ...tool, function: { ...definition, parameters } };
  });
}

function moved(schema: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) return schema;
  if (Array.isArray(schema)) return mapSame(schema as unknown[], (item) => moved(item, depth + 1));
  if (!isRecord(schema)) return schema;
  const pushed = pushDown(schema);
  let changed = pushed !== schema;
  const next: Wire = {};
  for (const [name, value] of Object.entries(pushed)) {
    next[name] = moved(value, depth + 1);
    changed ||= next[name] !== value;
  }
  return changed ? next : schema;
}

/** A property may be called `anyOf` or `type`, so only a text beside a list of schemas counts. */
function pushDown(schema: Wire): Wire {
  const { type, ...rest } = schema;
  const alternatives = rest['anyOf'];
  if (typeof type !== 'string' || !Array.isArray(alternatives)) return schema;
  return { ...rest, anyOf: (alternatives as unknown[]).map((item) => (isRecord(item) && item['type'] === undefined ? { type, ...item } : item)) };
}
