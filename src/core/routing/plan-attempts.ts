import type { Deployment, Model, Route, RouteStrategy, Snapshot } from '../catalog/model.js';
import type { ChatRequest, RequestNeeds } from '../chat/request.js';
import type { Caller } from '../policy/caller.js';
import { mayUseModel } from '../policy/decide.js';
import { affinityKeyOf } from './affinity-key.js';
import { PlannedCandidate } from './candidate.js';
import { matchRoute } from './match-route.js';
import { applyMust, pinToReadersOfHistory, preferRoomForOutput } from './must-filters.js';
import type { HealthView, Plan } from './plan.js';
import { order } from './prefer.js';
import { resolveModels, resolveName, type ResolvedModel } from './resolve-model.js';

/** What is asked. The gateway's own record of a request has this shape. */
export interface PlanQuestion {
  readonly request: ChatRequest;
  readonly needs: RequestNeeds;
  /** Null: nobody's policy applies (an operator explains without a key). */
  readonly caller: Caller | null;
  readonly options: {
    readonly noFallback: boolean;
    readonly sessionId?: string;
    readonly tags?: readonly string[];
    /** The kind of call; default `chat`. */
    readonly endpoint?: string;
    /** The client accepts a model that the operator calls `degraded`. */
    readonly allowDegraded?: boolean;
  };
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

export const MAX_ATTEMPTS = 3;
const BALANCED: RouteStrategy = { kind: 'balanced' };

/**
 * From a request to an ordered plan, with a reason for every deployment considered (routing.md section 1). Pure.
 * Throws 404 `model_not_found` or `model_retired`; a plan without attempts is explained by `refusalOf`.
 */
export function planAttempts(question: PlanQuestion, world: PlanWorld): Plan {
  const { request, needs, options } = question;
  const mayUse = usable(question.caller);
  const resolved = resolveModels([request.model, ...(request.models ?? [])], world.snapshot, { nowMs: world.nowMs, mayUse });
  const first = (resolved[0] as ResolvedModel).model;
  const route = routeFor(question, world, first);
  const candidates = candidatesOf(withFallbacks(resolved, route, world.snapshot), world);
  filter(candidates, question, { world, route, mayUse });
  const strategy = route?.strategy ?? BALANCED;
  const ordered = candidates.filter((candidate) => candidate.excluded === undefined);
  const affinity = ordered.length > 1 ? affinityOf(question, ordered) : null;
  const probe = admitCanary(ordered, world.admit, options.noFallback);
  order(ordered, { needs, strategy, seed: world.seed, zone: world.zone, affinityKey: affinity, bound: affinity === null ? null : world.bound(affinity) });
  const attempts = bound(ordered, options.noFallback, Math.min(MAX_ATTEMPTS, route?.maxAttempts ?? MAX_ATTEMPTS));
  const plan: Plan = { model: servedFirst(first, attempts), attempts, candidates: explained(candidates, ordered), strategy: strategy.kind, seed: world.seed };
  return mark(plan, { route, affinity, probe });
}

function mark(plan: Plan, { route, affinity, probe }: { route: Route | null; affinity: string | null; probe: string | null }): Plan {
  if (route !== null) plan.route = route.name;
  if (affinity !== null) plan.affinityKey = affinity;
  if (probe !== null && plan.attempts[0]?.deployment.id === probe) plan.probe = probe;
  return plan;
}

/** A class stands for several models of tier 0: the one that is asked first is the plan's. */
function servedFirst(first: Model, attempts: readonly PlannedCandidate[]): Model {
  const [attempt] = attempts;
  return attempt !== undefined && attempt.tier === 0 ? attempt.model : first;
}

interface FilterWith {
  world: PlanWorld;
  route: Route | null;
  mayUse: (model: Model) => boolean;
}

function filter(candidates: readonly PlannedCandidate[], { request, needs, caller, options }: PlanQuestion, { world, route, mayUse }: FilterWith): void {
  const must = { request, needs, caller, nowMs: world.nowMs, zone: world.zone, endpoint: options.endpoint ?? 'chat', admit: world.admit };
  for (const candidate of candidates) {
    if (!mayUse(candidate.model)) candidate.exclude('policy', `The model ${candidate.model.id} is not allowed by this key’s policy.`, 'model_not_allowed');
    else if (options.noFallback && candidate.tier > 0) candidate.exclude('no_fallback');
    else if (isDegraded(candidate, route) && options.allowDegraded !== true)
      candidate.exclude('no_fallback', 'a degraded model is used only when the request asks for it');
    else applyMust(candidate, must);
  }
  preferRoomForOutput(candidates, needs.maxOutputTokens);
  pinToReadersOfHistory(candidates, request);
}

/** Asked for every deployment, decided once per model. */
function usable(caller: Caller | null): (model: Model) => boolean {
  let last: Model | undefined;
  let allowed = true;
  return (model) => {
    if (caller === null || model === last) return allowed;
    last = model;
    return (allowed = mayUseModel(caller, model));
  };
}

function routeFor({ caller, options }: PlanQuestion, world: PlanWorld, model: Model): Route | null {
  if (world.snapshot.routes.length === 0) return null;
  return matchRoute(world.snapshot, {
    model: model.id,
    organization: caller?.organizationId ?? '',
    tags: options.tags ?? [],
    zone: caller?.zone ?? world.zone,
  });
}

/** The route's own fallbacks stand behind whatever the client named itself. */
function withFallbacks(resolved: ResolvedModel[], route: Route | null, snapshot: Snapshot): ResolvedModel[] {
  if (route === null || route.fallbacks.length === 0) return resolved;
  const known = new Set(resolved.map(({ model }) => model.id));
  const all = [...resolved];
  let tier = (resolved.at(-1)?.tier ?? 0) + 1;
  for (const fallback of route.fallbacks) {
    const found = resolveName(fallback.model, snapshot).filter(({ model }) => !known.has(model.id));
    for (const entry of found) {
      known.add(entry.model.id);
      all.push({ ...entry, tier, fallback: `${fallback.class} fallback of route ${route.name}` });
    }
    if (found.length > 0) tier += 1;
  }
  return all;
}

const isDegraded = (candidate: PlannedCandidate, route: Route | null): boolean =>
  candidate.fallback !== undefined && route !== null && candidate.fallback === `degraded fallback of route ${route.name}`;

function candidatesOf(resolved: readonly ResolvedModel[], world: PlanWorld): PlannedCandidate[] {
  const candidates: PlannedCandidate[] = [];
  const seen = new Set<string>();
  for (const place of resolved) {
    const { provider } = place;
    for (const deployment of place.model.deployments) {
      if ((provider !== undefined && deployment.provider.id !== provider) || seen.has(deployment.id)) continue;
      seen.add(deployment.id);
      const kept = deployment.provider.health && !deployment.provider.inProcess;
      candidates.push(new PlannedCandidate(deployment, place, kept ? world.health(deployment) : null));
    }
  }
  return candidates;
}

/** A prefix nobody named is kept together only where a cache read is cheaper than reading the prompt again. */
function affinityOf({ request, caller, options }: PlanQuestion, candidates: readonly PlannedCandidate[]): string | null {
  const key = affinityKeyOf(request, caller?.organizationId ?? '', options.sessionId);
  if (key === null) return null;
  if (key.source !== 'prefix') return key.value;
  const cheaper = candidates.some(({ deployment: { price } }) => price?.tokens.cacheRead !== undefined && price.tokens.cacheRead < (price.tokens.input ?? 0n));
  return cheaper ? key.value : null;
}

/**
 * A half-open circuit gets its one canary in front of a healthy fallback, or it would never be asked again while another
 * deployment is well. A request that forbids fallbacks is no canary, unless nobody else is left.
 */
function admitCanary(ordered: PlannedCandidate[], admit: string | undefined, noFallback: boolean): string | null {
  if (admit !== undefined) return admit;
  const halfOpen = ordered.filter(({ health }) => health?.circuit === 'half-open');
  const canary = halfOpen[0];
  if (canary === undefined) return null;
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

function remove<T>(list: T[], isGone: (item: T) => boolean): void {
  for (let index = list.length - 1; index >= 0; index -= 1) if (isGone(list[index] as T)) list.splice(index, 1);
}

function bound(ordered: PlannedCandidate[], noFallback: boolean, maxAttempts: number): PlannedCandidate[] {
  const most = noFallback ? 1 : maxAttempts;
  for (const [index, candidate] of ordered.entries()) {
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
