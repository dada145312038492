import { invalid, suggestion } from '../../core/catalog/fields.js';
import type { Snapshot } from '../../core/catalog/model.js';
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
  snapshot.routes.forEach((route, index) => {
    route.fallbacks.forEach(({ model }, at) => {
      if (snapshot.models.has(model) || snapshot.aliases.has(model)) return;
      const path = `routes[${index}].fallbacks[${at}].model`;
      throw invalid(path, `is ${JSON.stringify(model)}, which no provider here serves${suggestion(model, snapshot.models.keys())}`);
    });
    const to = route.shadow?.to;
    if (to === undefined || resolveName(to, snapshot).length > 0) return;
    throw invalid(`routes[${index}].shadow.to`, `is ${JSON.stringify(to)}, which no provider here serves${suggestion(to, snapshot.models.keys())}`);
  });
}
