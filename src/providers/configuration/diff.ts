import type { ConfigurationDocument } from './document.js';
import { renderConfiguration, type RenderSecret } from './render-document.js';

export interface Change {
  action: 'create' | 'update' | 'delete';
  kind: 'provider' | 'model' | 'route' | 'ledger';
  id: string;
  /** What of it changes; never values, which may be secret. */
  fields?: string[];
}

type Item = Record<string, unknown>;
type Rendered = Partial<Record<string, unknown>>;

const LISTS = [
  { section: 'providers', kind: 'provider', key: 'id' },
  { section: 'models', kind: 'model', key: 'id' },
  { section: 'routes', kind: 'route', key: 'name' },
] as const;

/** What turning `before` into `after` changes; empty when nothing does. Secrets are compared by digest. */
export function diffConfigurations(before: ConfigurationDocument, after: ConfigurationDocument, digest: RenderSecret): Change[] {
  const [old, next] = [renderConfiguration(before, digest) as Rendered, renderConfiguration(after, digest) as Rendered];
  const changes = LISTS.flatMap(({ section, kind, key }) => diffList((old[section] ?? []) as Item[], (next[section] ?? []) as Item[], { kind, key }));
  const [oldLease, newLease] = [before.ledger?.lease ?? true, after.ledger?.lease ?? true];
  if (oldLease !== newLease) changes.push({ action: 'update', kind: 'ledger', id: 'ledger', fields: ['lease'] });
  return changes;
}

function diffList(before: readonly Item[], after: readonly Item[], { kind, key }: { kind: Change['kind']; key: string }): Change[] {
  const nameOf = (item: Item) => String(item[key]);
  const old = new Map(before.map((item) => [nameOf(item), item]));
  const kept = new Set(after.map(nameOf));
  const changes: Change[] = before.filter((item) => !kept.has(nameOf(item))).map((item) => ({ action: 'delete', kind, id: nameOf(item) }));
  // The first matching route rules, so their order is part of what they say.
  const order = (items: readonly Item[]) => items.map(nameOf).filter((name) => old.has(name) && kept.has(name));
  const moved = kind === 'route' ? movedNames(order(before), order(after)) : new Set<string>();
  for (const item of after) {
    const previous = old.get(nameOf(item));
    if (previous === undefined) {
      changes.push({ action: 'create', kind, id: nameOf(item) });
      continue;
    }
    const fields = changedFields(previous, item);
    if (moved.has(nameOf(item))) fields.push('order');
    if (fields.length > 0) changes.push({ action: 'update', kind, id: nameOf(item), fields });
  }
  return changes;
}

function changedFields(before: Item, after: Item): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
}

function movedNames(before: readonly string[], after: readonly string[]): Set<string> {
  return new Set(after.filter((name, index) => before[index] !== name));
}
