import { invalid, suggestion } from '../../core/catalog/fields.js';
import type { Route, Snapshot } from '../../core/catalog/model.js';
import { resolveName } from '../../core/routing/index.js';
import type { EffectiveConfiguration } from './build-snapshot.js';

/** What one section says about another: served by a provider that is there, fallen back to a model that is served. */
export function checkProviders({ providers, models }: EffectiveConfiguration): void {
  const ids = providers.map((provider) => provider.id);
  models?.forEach((model, index) => {
    model.serve.forEach((serve, at) => {
      if (ids.includes(serve.provider)) return;
      const path = `models[${index}].serve[${at}].provider`;
      throw invalid(path, `is ${JSON.stringify(serve.provider)}, which is no provider here${suggestion(serve.provider, ids)}`);
    });
  });
}

export function checkRoutes(snapshot: Snapshot): void {
  snapshot.routes.forEach((route, index) => checkRoute(route, `routes[${index}]`, snapshot));
}

/** Throws GatewayError 400 for what the route names and nobody serves. */
export function checkRoute(route: Route, path: string, snapshot: Snapshot): void {
  const unserved = (name: string) => `is ${JSON.stringify(name)}, which no provider here serves${suggestion(name, snapshot.models.keys())}`;
  route.fallbacks.forEach(({ model }, at) => {
    if (!snapshot.models.has(model) && !snapshot.aliases.has(model)) throw invalid(`${path}.fallbacks[${at}].model`, unserved(model));
  });
  const to = route.shadow?.to;
  if (to !== undefined && resolveName(to, snapshot).length === 0) throw invalid(`${path}.shadow.to`, unserved(to));
}
