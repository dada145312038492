import type { Route, RouteArm, Snapshot } from '../catalog/model.js';
import type { PlannedCandidate } from './candidate.js';
import { hash32, SeededRandom } from './random.js';
import { resolveName, type ResolvedModel } from './resolve-model.js';

export interface DrawnArm extends RouteArm {
  name: string;
}

/** Chance of the arm is its own: which deployment is drawn must not depend on which arm was. */
const ARM_SALT = 0x5bd1e995;

/** One arm of the route's experiment: sticky by affinity key, else by seed. Null when the route has none. */
export function drawArm(route: Route, affinityKey: string | null, seed: number): DrawnArm | null {
  const arms = armsOf(route);
  const total = arms.reduce((sum, { weight }) => sum + weight, 0);
  // The route's name is part of the key, so that the same sessions are not the small arm of every experiment.
  const drawn = affinityKey === null ? new SeededRandom(seed ^ ARM_SALT).next() : (hash32(`arm|${route.name}|${affinityKey}`) + 0.5) / 4_294_967_296;
  let left = drawn * total;
  return arms.find(({ weight }) => (left -= weight) < 0) ?? arms.at(-1) ?? null;
}

/** Listed once per snapshot: a new snapshot brings new routes. */
const ARMS = new WeakMap<Route, readonly DrawnArm[]>();

function armsOf(route: Route): readonly DrawnArm[] {
  let arms = ARMS.get(route);
  if (arms === undefined) {
    const written = route.strategy.kind === 'weighted' ? Object.entries(route.strategy.arms) : [];
    arms = written.filter(([, arm]) => arm.weight > 0).map(([name, arm]) => ({ ...arm, name }));
    ARMS.set(route, arms);
  }
  return arms;
}

/** The models of an arm that stands for another model than was asked for; they come first, what was asked for stays their fallback. */
export function modelsOfArm(arm: DrawnArm, route: Route, resolved: readonly ResolvedModel[], snapshot: Snapshot): ResolvedModel[] {
  if (snapshot.providers.has(arm.to)) return [];
  const asked = new Set(resolved.filter(({ tier }) => tier === 0).map(({ model }) => model.id));
  return resolveName(arm.to, snapshot)
    .filter(({ model }) => !asked.has(model.id))
    .map((entry) => ({ ...entry, tier: -1, fallback: `arm ${arm.name} of route ${route.name}`, substitution: 'equivalent' }));
}

/** An arm stands for a provider instance, a model, an upstream model or a deployment. */
export function isOfArm({ deployment, model, tier }: PlannedCandidate, { to }: DrawnArm): boolean {
  return (
    tier === -1 ||
    to === deployment.provider.id ||
    to === model.id ||
    model.aliases.includes(to) ||
    to === deployment.upstreamModel ||
    to === deployment.id ||
    to === `${deployment.provider.id}/${deployment.upstreamModel}`
  );
}
