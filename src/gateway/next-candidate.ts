import type { UpstreamFailure } from '../core/errors/upstream-failure.js';
import { MAX_ATTEMPTS, mayAskAfter } from '../core/routing/index.js';
import type { Candidate } from '../core/routing/plan.js';
import type { AttemptOutcome } from './attempt.js';
import type { AdmittedExchange } from './exchange.js';

const RETRIED_STATUS: ReadonlySet<number> = new Set([502, 503, 529]);

/**
 * Who is asked after a failure: the next of the plan, or, when no other is left and the failure promises that nothing was
 * done, the same deployment once more. Null after the commit point, and for failures that any provider would repeat, unless
 * the route says otherwise.
 */
export function nextCandidate(exchange: AdmittedExchange, outcome: Extract<AttemptOutcome, { kind: 'failed' }>): Candidate | null {
  const { plan, tried, served: failed } = exchange;
  const { failure } = outcome;
  if (outcome.committed || plan === undefined || failed === undefined || tried.length >= MAX_ATTEMPTS) return null;
  const left = plan.attempts.filter((candidate) => !tried.includes(candidate));
  if (left.length === 0) return mayRetry(exchange, failure) ? failed : null;
  if (isAmbiguous(failure) && timeoutsOf(exchange) > 1) return null;
  return left.find((candidate) => mayAskAfter(failure, plan, failed, candidate)) ?? null;
}

/** A client that repeats its requests by itself retries for both. */
function mayRetry({ tried, options }: AdmittedExchange, failure: UpstreamFailure): boolean {
  return options.clientRetries === 0 && failure.tryElsewhere && isRetried(failure) && new Set(tried).size === tried.length;
}

function timeoutsOf({ attempts }: AdmittedExchange): number {
  return attempts.filter(({ outcome }) => outcome === 'timeout').length;
}

/** It was sent, and whether it is still being worked on is not known: at most one further deployment is asked for the same then. */
function isAmbiguous(failure: UpstreamFailure): boolean {
  return failure.kind === 'timeout' && !failure.tryElsewhere;
}

/** Spec routing.md section 1.4: a second try of the same deployment only after a connect failure, 502, 503 or 529. */
function isRetried(failure: UpstreamFailure): boolean {
  return failure.kind === 'connect' || (failure.kind === 'http' && RETRIED_STATUS.has(failure.status ?? 0));
}
