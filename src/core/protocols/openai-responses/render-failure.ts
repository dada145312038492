import type { ErrorCode } from '../../errors/catalogue.js';
import type { GatewayError } from '../../errors/gateway-error.js';
import type { JsonObject } from '../../json/index.js';

/** The words of `response.failed` that Codex acts on (api-conventions 69); everything else is `server_error`. */
const CODES: Partial<Readonly<Record<ErrorCode, string>>> = {
  context_length_exceeded: 'context_length_exceeded',
  insufficient_credits: 'insufficient_quota',
  budget_exceeded: 'insufficient_quota',
  rate_limit_exceeded: 'rate_limit_exceeded',
  upstream_rate_limited: 'rate_limit_exceeded',
};
const DEFAULT_WAIT_MS = 1_000;

/** `response.error` of a response that failed. */
export function renderFailure(error: GatewayError): JsonObject {
  const code = CODES[error.code] ?? 'server_error';
  if (code !== 'rate_limit_exceeded') return { code, message: error.message };
  const wait = ((error.retryAfterMs ?? DEFAULT_WAIT_MS) / 1_000).toFixed(2);
  return { code, message: `${error.message.replace(/[.\s]*$/, '')}. Please try again in ${wait}s.` };
}
