import type { Deployment, Model, Snapshot } from '../../core/catalog/model.js';
import { priceAt, priceHoldsUntilMs, type PricePlan } from '../../core/pricing/index.js';

/** The same snapshot with the prices of a moment: a request that has taken a snapshot keeps its prices to the end. */
export function repriced(snapshot: Snapshot, atMs: number): Snapshot {
  const changed = [...snapshot.models.values()].filter(isTimed);
  if (changed.length === 0) return snapshot;
  const models = new Map(snapshot.models);
  for (const model of changed) models.set(model.id, repricedModel(model, atMs));
  return { ...snapshot, models };
}

/** Until when the prices of a snapshot made at `atMs` hold; Infinity when none of them changes. */
export function pricesHoldUntilMs(snapshot: Snapshot, atMs: number): number {
  let untilMs = Number.POSITIVE_INFINITY;
  for (const { deployments } of snapshot.models.values()) {
    for (const { timed } of deployments) if (timed !== undefined) untilMs = Math.min(untilMs, holds(timed.price, atMs), holds(timed.cost, atMs));
  }
  return untilMs;
}

const isTimed = ({ deployments }: Model): boolean => deployments.some(({ timed }) => timed !== undefined);

const holds = (plan: PricePlan | null, atMs: number): number => (plan === null ? Number.POSITIVE_INFINITY : priceHoldsUntilMs(plan, atMs));

const at = (plan: PricePlan | null, atMs: number): Deployment['price'] => (plan === null ? null : priceAt(plan, atMs));

function repricedModel(model: Model, atMs: number): Model {
  const deployments = model.deployments.map(
    (deployment): Deployment =>
      deployment.timed === undefined ? deployment : { ...deployment, price: at(deployment.timed.price, atMs), cost: at(deployment.timed.cost, atMs) },
  );
  return { ...model, deployments, price: deployments[0]?.price ?? null };
}
