import { Fields, invalid } from '../../core/catalog/fields.js';
import type { Route, RouteFallback, RouteStrategy } from '../../core/catalog/model.js';

const ROUTE_FIELDS = ['name', 'match', 'strategy', 'fallbacks', 'max_attempts'];
const MATCH_FIELDS = ['model', 'organization', 'tag', 'zone'];
const STRATEGIES = ['balanced', 'latency', 'cost', 'throughput'] as const;
const FALLBACK_CLASSES = ['same-model', 'equivalent', 'degraded'] as const;
const MAX_ROUTES = 1_000;
const MAX_ATTEMPTS = 3;

export function parseRoutes(list: readonly unknown[]): Route[] {
  if (list.length > MAX_ROUTES) throw invalid('routes', `must have at most ${MAX_ROUTES} items`);
  const seen = new Set<string>();
  return list.map((item, index) => {
    const route = parseRoute(item, `routes[${index}]`);
    if (seen.has(route.name)) throw invalid(`routes[${index}].name`, `is ${JSON.stringify(route.name)} a second time`);
    seen.add(route.name);
    return route;
  });
}

function parseRoute(value: unknown, path: string): Route {
  const fields = new Fields(value, path, ROUTE_FIELDS);
  return {
    name: fields.required('name'),
    match: parseMatch(fields),
    strategy: parseStrategy(fields),
    fallbacks: fields.list('fallbacks', 10).map((item, index) => parseFallback(item, `${fields.at('fallbacks')}[${index}]`)),
    maxAttempts: fields.integer('max_attempts', { min: 1, max: 10 }) ?? MAX_ATTEMPTS,
  };
}

function parseMatch(fields: Fields): Route['match'] {
  const match = new Fields(fields.raw('match') ?? {}, fields.at('match'), MATCH_FIELDS);
  const glob = (name: string) => match.string(name) ?? '*';
  return { model: glob('model'), organization: glob('organization'), tag: glob('tag'), zone: glob('zone') };
}

function parseStrategy(fields: Fields): RouteStrategy {
  const value = fields.raw('strategy');
  if (value === undefined) return { kind: 'balanced' };
  if (typeof value === 'string') return { kind: fields.oneOf('strategy', STRATEGIES) ?? 'balanced' };
  return { kind: 'weighted', arms: parseArms(new Fields(value, fields.at('strategy'), ['weighted'])) };
}

function parseArms(inner: Fields): Readonly<Record<string, number>> {
  const arms = inner.raw('weighted');
  if (typeof arms !== 'object' || arms === null || Array.isArray(arms)) throw invalid(inner.at('weighted'), 'must be an object of arms and weights');
  for (const [arm, weight] of Object.entries(arms)) {
    if (typeof weight !== 'number' || !(weight >= 0 && weight <= 1_000_000))
      throw invalid(`${inner.at('weighted')}.${arm}`, 'must be a number from 0 to 1000000');
  }
  // In one order, whichever way the store gives them back.
  return Object.fromEntries(Object.entries(arms as Record<string, number>).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function parseFallback(value: unknown, path: string): RouteFallback {
  const fields = new Fields(value, path, ['model', 'class']);
  return { model: fields.required('model'), class: fields.oneOf('class', FALLBACK_CLASSES) ?? 'equivalent' };
}
