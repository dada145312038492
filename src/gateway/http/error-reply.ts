import type { ErrorCode } from '../../core/errors/catalogue.js';
import { GatewayError } from '../../core/errors/gateway-error.js';
import type { ChatProtocol } from '../../core/protocols/protocol.js';

export interface ErrorReply {
  status: number;
  headers: Record<string, string>;
  body: Record<string, unknown>;
}

/** 503 always says when to come back. */
const DEFAULT_RETRY_MS: Partial<Record<ErrorCode, number>> = {
  service_unavailable: 1000,
  no_deployment_available: 2000,
  overloaded: 1000,
  upstream_overloaded: 2000,
  policy_invalid: 5000,
  upstream_rate_limited: 1000,
  upstream_error: 500,
  upstream_timeout: 1000,
  idempotency_in_progress: 1000,
};

/** The one renderer of errors before the first byte: status, headers and body for a client of `protocol`. */
export function renderErrorReply(error: GatewayError, protocol: ChatProtocol, requestId: string): ErrorReply {
  const status = protocol.errorStatus?.(error) ?? error.status;
  const headers: Record<string, string> = {};
  const retryAfterMs = error.retryAfterMs ?? DEFAULT_RETRY_MS[error.code];
  if (retryAfterMs !== undefined && error.entry.shouldRetry !== false) Object.assign(headers, retryHeaders(retryAfterMs));
  const shouldRetry = error.entry.shouldRetry;
  if (shouldRetry !== undefined) headers['x-should-retry'] = String(shouldRetry);
  // What the error says of itself wins over the rule for its code.
  return { status, headers: { ...headers, ...error.headers }, body: protocol.renderError(error, requestId) };
}

function retryHeaders(retryAfterMs: number): Record<string, string> {
  return { 'retry-after': String(Math.max(1, Math.ceil(retryAfterMs / 1000))), 'retry-after-ms': String(Math.max(1, Math.ceil(retryAfterMs))) };
}

/** Whatever was thrown, as the error a client may see. An unknown exception shows nothing of itself. */
export function toGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const status = httpStatusOf(thrown);
  const message = thrown instanceof Error ? thrown.message : '';
  if (status === undefined || status >= 500)
    return new GatewayError('internal_error', 'The gateway failed; the error was logged under this request id.', { cause: thrown });
  return new GatewayError(codeOfStatus(status), message || 'The request was refused.', { cause: thrown });
}

function httpStatusOf(thrown: unknown): number | undefined {
  if (typeof thrown !== 'object' || thrown === null) return undefined;
  const candidate = thrown as { getStatus?: () => number; statusCode?: number; status?: number };
  const status = typeof candidate.getStatus === 'function' ? candidate.getStatus() : (candidate.statusCode ?? candidate.status);
  return typeof status === 'number' && status >= 400 && status < 600 ? status : undefined;
}

function codeOfStatus(status: number): ErrorCode {
  const codes: Record<number, ErrorCode> = {
    401: 'invalid_api_key',
    404: 'not_found',
    405: 'method_not_allowed',
    408: 'request_timeout',
    409: 'conflict',
    413: 'request_too_large',
    415: 'unsupported_media_type',
    429: 'rate_limit_exceeded',
  };
  return codes[status] ?? 'invalid_request';
}
