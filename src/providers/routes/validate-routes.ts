import type { Model, Route, RouteMatch, Snapshot } from '../../core/catalog/model.js';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { globCovers } from '../../core/policy/index.js';
import { MAX_ATTEMPTS, resolveName } from '../../core/routing/index.js';
import { checkRoute, parseRoute } from '../configuration/index.js';

export interface RouteProblem {
  /** Where: `routes[2].fallbacks[0].model`. */
  param: string;
  message: string;
}

export interface RouteValidation {
  ok: boolean;
  /** They keep the routes from being published. */
  errors: RouteProblem[];
  /** What is probably not meant, but works. */
  warnings: RouteProblem[];
  /** What could be read. */
  routes: Route[];
}

const MAX_ROUTES = 1_000;

/** Everything that is wrong or odd about a list of routes, not only the first thing. `snapshot`: what serves at present. */
export function validateRoutes(list: unknown, snapshot: Snapshot): RouteValidation {
  const errors: RouteProblem[] = [];
  const routes: Route[] = [];
  if (!Array.isArray(list) || list.length > MAX_ROUTES) {
    return { ok: false, errors: [{ param: 'routes', message: `routes must be a list of at most ${MAX_ROUTES} routes` }], warnings: [], routes };
  }
  const places: number[] = [];
  list.forEach((item: unknown, index) => {
    const route = read(item, index, { snapshot, errors });
    if (route === null) return;
    if (routes.some(({ name }) => name === route.name)) errors.push({ param: `routes[${index}].name`, message: `routes[${index}].name is "${route.name}" a second time` });
    routes.push(route);
    places.push(index);
  });
  const warnings = routes.flatMap((route, at) => warningsOf(route, { path: `routes[${places[at] ?? at}]`, before: routes.slice(0, at), snapshot }));
  return { ok: errors.length === 0, errors, warnings, routes };
}

function read(item: unknown, index: number, { snapshot, errors }: { snapshot: Snapshot; errors: RouteProblem[] }): Route | null {
  const path = `routes[${index}]`;
  try {
    const route = parseRoute(item, path);
    checkRoute(route, path, snapshot);
    return route;
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    errors.push({ param: error.param ?? path, message: error.message });
    return null;
  }
}

interface Around {
  path: string;
  /** Routes that are asked first. */
  before: readonly Route[];
  snapshot: Snapshot;
}

function warningsOf(route: Route, around: Around): RouteProblem[] {
  const { path } = around;
  const found: RouteProblem[] = [];
  const warn = (member: string, message: string) => found.push({ param: `${path}.${member}`, message: `${path}.${member} ${message}` });
  const covering = around.before.find((earlier) => covers(earlier.match, route.match));
  if (covering !== undefined) warn('match', `never decides: route ${covering.name} stands before it and matches all of it`);
  const models = modelsOf(route.match.model, around.snapshot);
  if (models.length === 0) warn('match.model', `is ${JSON.stringify(route.match.model)}, which no model served here matches`);
  if (route.maxAttempts > MAX_ATTEMPTS) warn('max_attempts', `is ${route.maxAttempts}; a request is tried at most ${MAX_ATTEMPTS} times`);
  if (route.fallbackOn.includes('context_length') && route.fallbacks.length === 0) warn('fallback_on', 'names context_length, but there is no fallback with another window');
  for (const [name, message] of armWarnings(route, models, around.snapshot)) warn(`strategy.weighted${name}`, message);
  return found;
}

function armWarnings({ strategy }: Route, models: readonly Model[], snapshot: Snapshot): [string, string][] {
  if (strategy.kind !== 'weighted') return [];
  const arms = Object.entries(strategy.arms);
  const lost = arms.filter(([, { to }]) => !standsForSomething(to, models, snapshot)).map(([name, { to }]): [string, string] => [
    `.${name}`,
    `stands for ${JSON.stringify(to)}, which is no provider, model or deployment of what the route matches`,
  ]);
  return arms.some(([, { weight }]) => weight > 0) ? lost : [...lost, ['', 'has no arm with a weight above 0, so nothing is drawn']];
}

function standsForSomething(to: string, models: readonly Model[], snapshot: Snapshot): boolean {
  if (snapshot.providers.has(to) || resolveName(to, snapshot).length > 0) return true;
  return models.some(({ deployments }) => deployments.some(({ id, upstreamModel }) => id === to || upstreamModel === to));
}

function modelsOf(pattern: string, snapshot: Snapshot): Model[] {
  return [...snapshot.models.values()].filter(({ id }) => globCovers(pattern, id));
}

/** Whether the earlier one matches all that the later one does; false where that is not plain. */
function covers(earlier: RouteMatch, later: RouteMatch): boolean {
  if (earlier.time !== undefined) return false;
  const { min = 0, max = Infinity } = earlier.promptTokens ?? {};
  const { min: laterMin = 0, max: laterMax = Infinity } = later.promptTokens ?? {};
  if (laterMin < min || laterMax > max) return false;
  return (['model', 'organization', 'zone', 'tag'] as const).every((name) => globCovers(earlier[name], later[name]));
}
