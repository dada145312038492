import type { Candidate, Plan } from '../../core/routing/plan.js';
import type { Explanation } from '../../routing/index.js';

/** One shape for what would happen now and what a log says happened. */
export function renderExplanation({ plan, refusal }: Explanation): Record<string, unknown> {
  return {
    model: plan.model.id,
    route: plan.route ?? null,
    strategy: plan.strategy,
    arm: plan.arm ?? null,
    explored: plan.explored === true,
    affinity: renderAffinity(plan),
    fallback_on: plan.fallbackOn,
    seed: plan.seed,
    candidates: plan.candidates.map(renderCandidate),
    refusal: refusal === null ? null : { status: refusal.status, code: refusal.code, message: refusal.message, param: refusal.param },
  };
}

/** `used`: it decided where the request goes, beside drawing an arm. */
function renderAffinity({ affinity, affinityKey }: Plan): Record<string, unknown> | null {
  return affinity === undefined ? null : { source: affinity.source, key: affinity.value, used: affinityKey !== undefined };
}

function renderCandidate(candidate: Candidate): Record<string, unknown> {
  const { deployment } = candidate;
  return {
    provider: deployment.provider.id,
    model: candidate.model.id,
    upstream_model: deployment.upstreamModel,
    deployment: deployment.id,
    zone: deployment.provider.zones.join(',') || null,
    place: candidate.place ?? null,
    excluded: candidate.excluded ?? null,
    reasons: candidate.reasons,
  };
}

/** What a log has of a decision: who was considered, who was asked, how it ended. */
export function renderDecision(logged: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = ['received_at', 'status', 'state', 'error_code', 'served_model', 'provider', 'fallback', 'route', 'strategy', 'arm', 'candidates', 'attempts', 'routing', 'config_hash'];
  return Object.fromEntries(names.map((name) => [name, logged[name] ?? null]));
}
