import type { Deployment, Model, Route, Snapshot } from '../catalog/model.js';
import type { ChatRequest, RequestNeeds } from '../chat/request.js';
import type { Caller } from '../policy/caller.js';
import { denyModel } from '../policy/decide.js';
import type { AffinityKey } from './affinity-key.js';
import { PlannedCandidate } from './candidate.js';
import { drawArm, modelsOfArm, type DrawnArm } from './experiment.js';
import { matchRoute, MAX_ATTEMPTS, NO_ROUTE } from './match-route.js';
import { applyMust, originOfHistory, pinToReadersOfHistory, preferRoomForOutput } from './must-filters.js';
import type { HealthView, Plan } from './plan.js';
import { order } from './prefer.js';
import { PlanAffinity } from './plan-affinity.js';
import { resolveModels, resolveName, type ResolvedModel } from './resolve-model.js';
import { excludeSubstitute, keepLongPrompts, type SubstitutionWish } from './substitution.js';

/** What is asked. The gateway's own record of a request has this shape. */
export interface PlanQuestion {
  readonly request: ChatRequest;
  readonly needs: RequestNeeds;
  /** Null: nobody's policy applies (an operator explains without a key). */
  readonly caller: Caller | null;
  readonly options: SubstitutionWish & {
    /** How often the client says it has sent this before (`x-stainless-retry-count`). */
    readonly clientRetries?: number;
    readonly sessionId?: string;
    readonly tags?: readonly string[];
    /** The kind of call; default `chat`. */
    readonly endpoint?: string;
  };
  /** Of a logged request, whose messages are not there any more: what was read off them then. */
  readonly recalled?: RecalledFacts;
}

export interface RecalledFacts {
  /** Undefined: none was worked out then, so it is now. */
  readonly affinity?: AffinityKey;
  readonly historyOrigin: string | null;
}

/** What is known at this moment; everything ambient comes in here. */
export interface PlanWorld {
  readonly snapshot: Snapshot;
  readonly nowMs: number;
  readonly seed: number;
  /** OG_ZONE: breaks ties, excludes nothing. */
  readonly zone: string;
  /** Null for deployments whose health is not kept. */
  health(deployment: Deployment): HealthView | null;
  /** The deployment that served this affinity key last; null when none is remembered. */
  bound(affinityKey: string): string | null;
  /** Panic mode: this deployment is tried although its circuit is open. */
  readonly admit?: string;
}


/**
 * From a request to an ordered plan, with a reason for every deployment considered (routing.md section 1). Pure.
 * Throws 404 `model_not_found` or `model_retired`; a plan without attempts is explained by `refusalOf`.
 */
export function planAttempts(question: PlanQuestion, world: PlanWorld): Plan {
  const { request, needs, options } = question;
  const asked = { nowMs: world.nowMs, caller: question.caller };
  const resolved = resolveModels(namesIn(request), world.snapshot, asked);
  const first = (resolved[0] as ResolvedModel).model;
  const route = routeFor(question, world, first);
  const ruling = route ?? NO_ROUTE;
  const affinity = new PlanAffinity(question, ruling, first);
  const arm = ruling.strategy.kind === 'weighted' ? drawArm(ruling, affinity.value, world.seed) : null;
  const candidates = candidatesOf(withRoute(resolved, { route, arm, snapshot: world.snapshot }), world);
  const historyOrigin = filter(candidates, question, world, route);
  const ordered = included(candidates);
  const key = affinity.keyFor(ordered);
  const probe = admitCanary(ordered, world.admit, options.noFallback);
  const bound = key === null ? null : world.bound(key);
  const explored = order(ordered, { needs, strategy: ruling.strategy, seed: world.seed, zone: world.zone, affinityKey: key, bound, arm });
  const attempts = firstOf(ordered, options.noFallback, Math.min(MAX_ATTEMPTS, ruling.maxAttempts));
  const plan: Plan = {
    model: servedFirst(first, attempts),
    attempts,
    candidates: explained(candidates, ordered),
    strategy: ruling.strategy.kind,
    seed: world.seed,
    fallbackOn: ruling.fallbackOn,
    // One hidden class for all plans, although most have none of these.
    affinity: orNone(affinity.known),
    affinityKey: orNone(key),
    historyOrigin: orNone(historyOrigin),
    arm: arm?.name,
    explored: explored ? true : undefined,
    probe: attempts[0]?.deployment.id === probe ? orNone(probe) : undefined,
    route: undefined,
    shadow: undefined,
    limits: undefined,
    hedge: undefined,
  };
  if (route !== null) markRoute(plan, route);
  return plan;
}

function namesIn({ model, models }: ChatRequest): string[] {
  return models === undefined ? [model] : [model, ...models];
}

function orNone<Value>(value: Value | null): Value | undefined {
  return value ?? undefined;
}

function included(candidates: readonly PlannedCandidate[]): PlannedCandidate[] {
  const left: PlannedCandidate[] = [];
  for (const candidate of candidates) if (candidate.excluded === undefined) left.push(candidate);
  return left;
}

function markRoute(plan: Plan, { name, shadow, limits, hedge }: Route): void {
  plan.route = name;
  if (hedge !== undefined) plan.hedge = hedge;
  if (shadow !== undefined) plan.shadow = shadow;
  if (limits.rpm !== undefined || limits.concurrency !== undefined) plan.limits = limits;
}

/** A class stands for several models of tier 0, an experiment for another one: what is asked first is the plan's. */
function servedFirst(first: Model, attempts: readonly PlannedCandidate[]): Model {
  const [attempt] = attempts;
  return attempt !== undefined && attempt.tier <= 0 ? attempt.model : first;
}

/** The protocol that wrote the signed reasoning in the history, where that had to be known. */
function filter(candidates: readonly PlannedCandidate[], question: PlanQuestion, world: PlanWorld, route: Route | null): string | null {
  const { request, needs, caller, options, recalled } = question;
  const must = { request, needs, caller, nowMs: world.nowMs, zone: world.zone, endpoint: options.endpoint ?? 'chat', admit: world.admit };
  for (const candidate of candidates) {
    const denial = caller === null ? null : denyModel(caller, candidate.model);
    if (denial !== null) candidate.deny('policy', denial);
    else if (!excludeSubstitute(candidate, caller, options)) applyMust(candidate, must);
  }
  keepLongPrompts(candidates, route);
  preferRoomForOutput(candidates, needs.maxOutputTokens);
  return pinToReadersOfHistory(candidates, () => (recalled === undefined ? originOfHistory(request) : recalled.historyOrigin));
}

function routeFor({ needs, caller, options }: PlanQuestion, world: PlanWorld, model: Model): Route | null {
  if (world.snapshot.routes.length === 0) return null;
  return matchRoute(world.snapshot, {
    model: model.id,
    organization: caller?.organizationId ?? '',
    tags: options.tags ?? [],
    zone: caller?.zone ?? world.zone,
    promptTokens: needs.promptTokensEstimate,
    nowMs: world.nowMs,
  });
}

interface Ruled {
  route: Route | null;
  arm: DrawnArm | null;
  snapshot: Snapshot;
}

/** An experiment's other model stands in front of what was asked for, the route's own fallbacks behind whatever the client named itself. */
function withRoute(resolved: ResolvedModel[], { route, arm, snapshot }: Ruled): ResolvedModel[] {
  if (route === null || (arm === null && route.fallbacks.length === 0)) return resolved;
  const all = arm === null ? [...resolved] : [...modelsOfArm(arm, route, resolved, snapshot), ...resolved];
  const known = new Set(all.map(({ model }) => model.id));
  let tier = (resolved.at(-1)?.tier ?? 0) + 1;
  for (const fallback of route.fallbacks) {
    const found = resolveName(fallback.model, snapshot).filter(({ model }) => !known.has(model.id));
    for (const entry of found) {
      known.add(entry.model.id);
      all.push({ ...entry, tier, fallback: `${fallback.class} fallback of route ${route.name}`, substitution: fallback.class });
    }
    if (found.length > 0) tier += 1;
  }
  return all;
}

function candidatesOf(resolved: readonly ResolvedModel[], world: PlanWorld): PlannedCandidate[] {
  const candidates: PlannedCandidate[] = [];
  // One model has every deployment once.
  const seen = resolved.length === 1 ? null : new Set<string>();
  for (const place of resolved) {
    for (const deployment of place.model.deployments) {
      if (place.provider !== undefined && deployment.provider.id !== place.provider) continue;
      if (seen !== null && seen.size === seen.add(deployment.id).size) continue;
      candidates.push(new PlannedCandidate(deployment, place, healthOf(deployment, world)));
    }
  }
  return candidates;
}

function healthOf(deployment: Deployment, world: PlanWorld): HealthView | null {
  return deployment.provider.health && !deployment.provider.inProcess ? world.health(deployment) : null;
}

/**
 * A half-open circuit gets its one canary in front of a healthy fallback, or it would never be asked again while another
 * deployment is well. A request that forbids fallbacks is no canary, unless nobody else is left.
 */
function admitCanary(ordered: PlannedCandidate[], admit: string | undefined, noFallback: boolean): string | null {
  if (admit !== undefined) return admit;
  const canary = ordered.find(isHalfOpen);
  if (canary === undefined) return null;
  const halfOpen = ordered.filter(isHalfOpen);
  const alone = halfOpen.length === ordered.length;
  for (const candidate of halfOpen) {
    if (candidate === canary && (alone || !noFallback)) continue;
    candidate.exclude('circuit_open', 'its circuit is half-open and another request is its canary', 'no_deployment_available');
  }
  remove(ordered, (candidate) => candidate.excluded !== undefined);
  if (canary.excluded !== undefined) return null;
  canary.canary = ordered.length > 1 && ordered.some((candidate) => candidate !== canary && candidate.tier === canary.tier);
  return canary.deployment.id;
}

const isHalfOpen = ({ health }: PlannedCandidate): boolean => health?.circuit === 'half-open';

function remove<T>(list: T[], isGone: (item: T) => boolean): void {
  for (let index = list.length - 1; index >= 0; index -= 1) if (isGone(list[index] as T)) list.splice(index, 1);
}

function firstOf(ordered: PlannedCandidate[], noFallback: boolean, maxAttempts: number): PlannedCandidate[] {
  const most = noFallback ? 1 : maxAttempts;
  for (let index = 0; index < ordered.length; index += 1) {
    const candidate = ordered[index] as PlannedCandidate;
    if (index < most) candidate.place = index + 1;
    else candidate.exclude(noFallback ? 'no_fallback' : 'attempts_exhausted');
  }
  return ordered.slice(0, most);
}

/** Chosen ones in their order, then the excluded ones as they were considered. */
function explained(candidates: readonly PlannedCandidate[], ordered: readonly PlannedCandidate[]): PlannedCandidate[] {
  if (ordered.length === candidates.length) return [...ordered];
  const placed = new Set(ordered);
  return [...ordered, ...candidates.filter((candidate) => !placed.has(candidate))];
}
