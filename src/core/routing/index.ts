import type { Model, Snapshot } from '../catalog/model.js';
import { findModel as findByName, resolveName } from './resolve-model.js';

export { readsCacheCheaper, type AffinityKey } from './affinity-key.js';
export { DeploymentHealth, type CallEffect, type CallFacts, type DeploymentHealthDetails } from './deployment-health.js';
export { addSample, MAX_NEWS, noNews, parseBulletin, renderBulletin, type HealthNews } from './health-news.js';
export { digestOf, RejectedCredential } from './credential-health.js';
export { MAX_ATTEMPTS } from './match-route.js';
export { planAttempts, type PlanQuestion, type PlanWorld, type RecalledFacts } from './plan-attempts.js';
export { modelClassOf, patienceOf, type ObservedTails, type Patience } from './patience.js';
export { TailWindow } from './tail-window.js';
export type { Candidate, ExclusionReason, HealthView, Plan } from './plan.js';
export { hash32, SeededRandom } from './random.js';
export { refusalOf } from './refusal.js';
export { isRetired, modelNotFound, resolveName } from './resolve-model.js';
export { parseRoutingRecord, questionOfRecord, routingRecordOf, USUAL_ROUTING, writeRoutingRecord, type RoutingRecord } from './routing-record.js';
export { RetryBudget } from './retry-budget.js';
export { mayAskAfter } from './substitution.js';
export { wordsOfUsualPlace, type UsualPlace } from './usual-place.js';

/** The one model a client's name stands for; null for unknown names and for classes, which stand for several. */
export function findModel(snapshot: Snapshot, name: string): Model | null {
  if (name.startsWith('class:')) return null;
  const known = findByName(name, snapshot);
  if (known !== null) return known;
  const found = resolveName(name, snapshot);
  return found.length === 1 ? (found[0]?.model ?? null) : null;
}
