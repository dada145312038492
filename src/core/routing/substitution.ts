import type { FallbackReason, Route } from '../catalog/model.js';
import type { UpstreamFailure } from '../errors/upstream-failure.js';
import type { Caller } from '../policy/caller.js';
import { BY_DEFAULT, isWider, substitutionOf, type SubstitutionRule } from '../policy/substitution.js';
import type { PlannedCandidate } from './candidate.js';
import type { Candidate, Plan } from './plan.js';

/** What the request says about substitutes. */
export interface SubstitutionWish {
  readonly noFallback: boolean;
  readonly allowDegraded?: boolean;
}

/** Excludes whoever is no permitted substitute; true when it did. */
export function excludeSubstitute(candidate: PlannedCandidate, caller: Caller | null, wish: SubstitutionWish): boolean {
  if (candidate.tier === 0) return false;
  if (wish.noFallback) {
    candidate.exclude('no_fallback');
    return true;
  }
  const { substitution } = candidate;
  if (substitution === undefined) return false;
  const { level, layer } = permitted(caller, wish);
  if (!isWider(substitution, level)) return false;
  const rule = layer === undefined ? undefined : `the policy \`substitution\` of ${layer.layer} ${layer.id} allows`;
  const words = level === 'none' ? 'no substitute' : `none further than ${level}`;
  candidate.exclude('substitution', rule === undefined ? `a ${substitution} model is used only when the request or its key asks for it` : `${rule} ${words}`);
  return true;
}

/** The request may ask for more than the default, never for more than a layer names. */
function permitted(caller: Caller | null, { allowDegraded }: SubstitutionWish): SubstitutionRule {
  const rule = caller === null ? BY_DEFAULT : substitutionOf(caller);
  return rule.layer === undefined && allowDegraded === true ? DEGRADED : rule;
}

const DEGRADED: SubstitutionRule = { level: 'degraded' };

/**
 * A prompt that is too long for every deployment of the model asked for goes to a route's substitute with a larger window only
 * where the route says so; a model that the client named itself needs nobody's word.
 */
export function keepLongPrompts(candidates: readonly PlannedCandidate[], route: Route | null): void {
  if (route === null || route.fallbacks.length === 0 || route.fallbackOn.includes('context_length')) return;
  const asked = candidates.filter(({ tier }) => tier <= 0);
  if (!asked.some(({ excluded }) => excluded === 'context_window') || asked.some(({ excluded }) => excluded === undefined)) return;
  for (const candidate of candidates) {
    if (candidate.substitution === undefined || candidate.excluded !== undefined) continue;
    candidate.exclude('substitution', `the prompt is too long for the model asked for, and route ${route.name} does not allow a larger one for that`);
  }
}

/** Failures of the request itself, which most providers would repeat, and the word by which a route allows to ask somebody else. */
const REASONS: Readonly<Partial<Record<UpstreamFailure['code'], FallbackReason>>> = {
  context_length_exceeded: 'context_length',
  content_policy_violation: 'content_filter',
  // Sent, and perhaps being worked on: another provider may be paid for the same.
  upstream_timeout: 'timeout',
};

/** Whether `next` may be asked after `failed` answered with this failure: by the table of outcomes, else by the route's word. */
export function mayAskAfter(failure: UpstreamFailure, plan: Pick<Plan, 'fallbackOn'>, failed: Candidate, next: Candidate): boolean {
  if (failure.tryElsewhere) return true;
  const reason = REASONS[failure.code];
  if (reason === 'context_length') {
    return hasLargerWindow(next, failed) && (plan.fallbackOn.includes(reason) || isClientsOwn(next));
  }
  return reason !== undefined && failure.deadline !== 'total' && plan.fallbackOn.includes(reason);
}

const isClientsOwn = ({ fallback, substitution }: Candidate): boolean => fallback !== undefined && substitution === undefined;

function hasLargerWindow(next: Candidate, failed: Candidate): boolean {
  const [larger, smaller] = [next.deployment.capabilities.contextWindow, failed.deployment.capabilities.contextWindow];
  return larger !== undefined && smaller !== undefined && larger > smaller;
}
