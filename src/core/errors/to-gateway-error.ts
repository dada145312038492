import { ERROR_CATALOGUE, type ErrorCode } from './catalogue.js';
import { GatewayError, type GatewayErrorDetails } from './gateway-error.js';
import type { UpstreamFailure } from './upstream-failure.js';

/** A client that waits longer than this for a provider's outage is better off asking again (api-conventions 22). */
const MAX_OUTAGE_WAIT_MS = 5_000;
const DEFAULT_WAIT_MS = 1_000;
const OUTAGES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'upstream_error',
  'upstream_invalid_response',
  'upstream_overloaded',
  'upstream_timeout',
  'upstream_interrupted',
  'upstream_auth_failed',
]);

/** Who failed, as far as a client may know it. */
export interface FailedDeployment {
  provider: { id: string };
  upstreamModel?: string;
}

/**
 * What the client gets when this failure ends the request. The provider's own words are kept unchanged (Claude Code matches on
 * them); only a refused credential is told in ours, because providers echo parts of the operator's key and account.
 * `committed`: content was sent already; before that an interrupted stream is a plain `upstream_error`, as without a stream.
 */
export function toGatewayError(failure: UpstreamFailure, deployment?: FailedDeployment, committed = true): GatewayError {
  if (failure.simulated === true) return simulatedError(failure);
  const code = failure.code === 'upstream_interrupted' && !committed ? 'upstream_error' : failure.code;
  const details: GatewayErrorDetails = { param: failure.param ?? null, metadata: { upstream: upstreamOf(failure, deployment) } };
  const retryAfterMs = waitOf(failure, code);
  if (retryAfterMs !== undefined) details.retryAfterMs = retryAfterMs;
  return new GatewayError(code, clientMessage(failure, deployment), details);
}

/** CONTRACT section 6: after several attempts the last decides, except that all 429 is 429 with the smallest `retry-after`. */
export function finalFailure(failures: readonly UpstreamFailure[]): UpstreamFailure | null {
  const last = failures.at(-1);
  if (last === undefined) return null;
  if (last.code !== 'upstream_rate_limited' || !failures.every((failure) => failure.code === 'upstream_rate_limited')) return last;
  const waits = failures.map((failure) => failure.retryAfterMs).filter((wait) => wait !== undefined);
  return waits.length === 0 ? last : { ...last, retryAfterMs: Math.min(...waits) };
}

function clientMessage(failure: UpstreamFailure, deployment: FailedDeployment | undefined): string {
  if (failure.code !== 'upstream_auth_failed') return failure.message;
  const who = deployment === undefined ? 'The provider' : `The provider ${deployment.provider.id}`;
  return `${who} refused the gateway's own credential${failure.status === undefined ? '' : ` (it answered ${failure.status})`}.`;
}

function waitOf(failure: UpstreamFailure, code: ErrorCode): number | undefined {
  if (code === 'upstream_rate_limited') return failure.retryAfterMs ?? DEFAULT_WAIT_MS;
  if (!OUTAGES.has(code)) return undefined;
  return Math.min(MAX_OUTAGE_WAIT_MS, failure.retryAfterMs ?? DEFAULT_WAIT_MS);
}

function upstreamOf(failure: UpstreamFailure, deployment: FailedDeployment | undefined): Record<string, unknown> {
  const upstream: Record<string, unknown> = { kind: failure.kind };
  if (deployment !== undefined) upstream['provider'] = deployment.provider.id;
  if (failure.status !== undefined) upstream['status'] = failure.status;
  if (failure.deadline !== undefined) upstream['deadline'] = failure.deadline;
  if (failure.rawCode !== null && failure.rawCode !== undefined) upstream['code'] = failure.rawCode;
  if (failure.body !== undefined && failure.code !== 'upstream_auth_failed') upstream['body'] = failure.body;
  return upstream;
}

const SIMULATED_CODE: Readonly<Record<number, ErrorCode>> = {
  401: 'invalid_api_key',
  402: 'insufficient_credits',
  429: 'rate_limit_exceeded',
  500: 'internal_error',
  503: 'upstream_overloaded',
};

/** A sandbox model's error: that very status with the code our own error of this status has, so that clients can rehearse it. */
function simulatedError(failure: UpstreamFailure): GatewayError {
  const status = failure.status ?? ERROR_CATALOGUE[failure.code].status;
  const details: GatewayErrorDetails = { status, param: failure.param ?? null, headers: { 'x-og-simulated': 'true' }, metadata: { simulated: true } };
  if (status === 429 || status === 503) details.retryAfterMs = failure.retryAfterMs ?? DEFAULT_WAIT_MS;
  return new GatewayError(SIMULATED_CODE[status] ?? failure.code, failure.message, details);
}
