import type { Candidate, Plan } from '../../core/routing/plan.js';
import type { ExplainedWait, Explanation } from '../../routing/index.js';

/** One shape for what would happen now and what a log says happened. */
export function renderExplanation({ plan, refusal, waits, hedgeAfterMs }: Explanation): Record<string, unknown> {
  return {
    model: plan.model.id,
    route: plan.route ?? null,
    strategy: plan.strategy,
    arm: plan.arm ?? null,
    explored: plan.explored === true,
    affinity: renderAffinity(plan),
    fallback_on: plan.fallbackOn,
    seed: plan.seed,
    hedge_after_ms: hedgeAfterMs,
    candidates: plan.candidates.map((candidate) => renderCandidate(candidate, waits[plan.attempts.indexOf(candidate)])),
    refusal: refusal === null ? null : { status: refusal.status, code: refusal.code, message: refusal.message, param: refusal.param },
  };
}

/** `used`: it decided where the request goes, beside drawing an arm. */
function renderAffinity({ affinity, affinityKey }: Plan): Record<string, unknown> | null {
  return affinity === undefined ? null : { source: affinity.source, key: affinity.value, used: affinityKey !== undefined };
}

/** `wait`: until somebody else is asked, before the first content; `observed` when it comes from earlier answers, not from the configuration. */
function renderCandidate(candidate: Candidate, wait: ExplainedWait | undefined): Record<string, unknown> {
  const { deployment } = candidate;
  return {
    provider: deployment.provider.id,
    model: candidate.model.id,
    upstream_model: deployment.upstreamModel,
    deployment: deployment.id,
    zone: deployment.provider.zones.join(',') || null,
    place: candidate.place ?? null,
    excluded: candidate.excluded ?? null,
    wait: wait === undefined ? null : { first_byte_ms: wait.firstByteMs, idle_ms: wait.idleMs, observed: wait.observed },
    reasons: candidate.reasons,
  };
}

/** What a log has of a decision: who was considered, who was asked, how it ended. */
export function renderDecision(logged: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const names = ['received_at', 'status', 'state', 'error_code', 'served_model', 'provider', 'fallback', 'route', 'strategy', 'arm', 'candidates', 'attempts', 'routing', 'config_hash'];
  return Object.fromEntries(names.map((name) => [name, logged[name] ?? null]));
}
