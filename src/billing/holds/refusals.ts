import { GatewayError } from '../../core/errors/gateway-error.js';
import type { HoldRequest, Need } from '../../core/ledger/index.js';
import { isDatabaseUnavailable } from '../../platform/database/index.js';
import { AdmissionQueueFullError } from './admission.js';

export function insufficient(request: HoldRequest, kind: Need['kind']): GatewayError {
  if (kind === 'budget') return new GatewayError('budget_exceeded', 'A budget of this key, project or organization does not cover the most this request may cost.');
  return new GatewayError('insufficient_credits', `The credit of organization ${request.organizationId} does not cover the most this request may cost.`);
}

export function unavailable(message: string, cause: unknown): GatewayError {
  return new GatewayError('service_unavailable', `${message} Nothing was charged; try again.`, { retryAfterMs: 1_000, cause: cause ?? undefined });
}

/** An outage is 503 and never 402: nobody was refused anything. */
export function admissionError(error: unknown): unknown {
  if (error instanceof AdmissionQueueFullError) return new GatewayError('overloaded', 'Too many requests wait for admission.', { retryAfterMs: 1_000, cause: error });
  const passing = isDatabaseUnavailable(error) || (error as { code?: string }).code === 'OG001';
  return passing ? unavailable('The ledger’s database cannot be asked now.', error) : error;
}
