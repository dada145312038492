import { GatewayError } from '../errors/gateway-error.js';
import { denialError } from '../policy/decision.js';
import type { PlannedCandidate } from './candidate.js';
import type { Candidate, ExclusionReason, Plan } from './plan.js';

/** Whose absence decided: the closer to serving, the earlier. What only waits comes first, because the client can wait. */
const DECIDES: readonly ExclusionReason[] = [
  'rate_limited',
  'circuit_open',
  'credential',
  'context_window',
  'capability',
  'unpriced',
  'price_ceiling',
  'zone',
  'policy',
  'retired',
  'provider_bound',
  'no_fallback',
  'substitution',
];
const WAITING: ReadonlySet<ExclusionReason> = new Set<ExclusionReason>(['rate_limited', 'circuit_open', 'credential']);
const MIN_WAIT_MS = 1_000;
const MAX_OUTAGE_WAIT_MS = 5_000;

/** The error of a plan without attempts: why nobody is left, in the terms of what would have served best. */
export function refusalOf(plan: Plan): GatewayError {
  const excluded = plan.candidates as readonly (Candidate & Partial<PlannedCandidate>)[];
  const reason = DECIDES.find((word) => excluded.some((candidate) => candidate.excluded === word));
  const decisive = excluded.find((candidate) => candidate.excluded === reason);
  if (reason === undefined || decisive === undefined) return unavailable(`No deployment serves ${plan.model.id}.`, MIN_WAIT_MS);
  if (WAITING.has(reason)) return waiting(plan, excluded);
  const words = sentence(decisive.reasons[0] ?? reason);
  if (decisive.code === undefined) return unavailable(words, MIN_WAIT_MS);
  const { denial } = decisive;
  return denial === undefined ? new GatewayError(decisive.code, words, { param: paramOf(reason, decisive.param) }) : denialError(denial);
}

function waiting(plan: Plan, excluded: readonly (Candidate & Partial<PlannedCandidate>)[]): GatewayError {
  const able = excluded.filter((candidate) => candidate.excluded !== undefined && WAITING.has(candidate.excluded));
  const waitMs = Math.max(MIN_WAIT_MS, Math.min(...able.map((candidate) => candidate.waitMs ?? MIN_WAIT_MS)));
  if (able.every((candidate) => candidate.excluded === 'rate_limited')) {
    return new GatewayError('upstream_rate_limited', `Every provider of ${plan.model.id} limits the gateway’s requests now.`, { retryAfterMs: waitMs });
  }
  return unavailable(`No deployment of ${plan.model.id} is available now: ${able[0]?.reasons[0] ?? 'all have failed'}.`, Math.min(waitMs, MAX_OUTAGE_WAIT_MS));
}

function unavailable(message: string, retryAfterMs: number): GatewayError {
  return new GatewayError('no_deployment_available', message, { retryAfterMs, metadata: { retryable: true } });
}

function paramOf(reason: ExclusionReason, param: string | undefined): string | null {
  if (reason === 'capability') return param ?? null;
  if (reason === 'context_window') return 'messages';
  return reason === 'retired' || reason === 'unpriced' ? 'model' : null;
}

const sentence = (words: string): string => (words.endsWith('.') ? words : `${words}.`);
