export type Wire = Record<string, unknown>;

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value at a dotted path (`generationConfig.topK`); undefined when any step is missing. */
export function memberAt(wire: Wire, path: string): unknown {
  if (!path.includes('.')) return Object.hasOwn(wire, path) ? wire[path] : undefined;
  let value: unknown = wire;
  for (const step of path.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

/** The wire with the value at a dotted path replaced (`undefined` removes it). What lies beside the path stays the identical object. */
export function withMember(wire: Wire, path: string, value: unknown): Wire {
  const [step = '', ...rest] = path.split('.');
  const next = { ...wire };
  const inner = rest.length === 0 ? value : withMember(isRecord(wire[step]) ? (wire[step] as Wire) : {}, rest.join('.'), value);
  if (inner === undefined) delete next[step];
  else next[step] = inner;
  return next;
}

/** `map` without a new array when nothing changed, so that untouched members keep their identity (and the client its bytes). */
export function mapSame<Item>(items: readonly Item[], change: (item: Item) => Item): readonly Item[] {
  let changed = false;
  const next = items.map((item) => {
    const result = change(item);
    changed ||= result !== item;
    return result;
  });
  return changed ? next : items;
}

/** Applies `change` to each object of the array at `key`; the same wire when nothing changed. */
export function mapMembers(wire: Wire, key: string, change: (item: Wire) => Wire): Wire {
  const items = wire[key];
  if (!Array.isArray(items)) return wire;
  const next = mapSame(items as unknown[], (item) => (isRecord(item) ? change(item) : item));
  return next === items ? wire : { ...wire, [key]: next };
}
