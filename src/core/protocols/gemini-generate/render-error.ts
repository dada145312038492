import type { GatewayError } from '../../errors/gateway-error.js';
import type { Wire } from './wire.js';

/** https://google.aip.dev/193 and google.rpc.Code, read 2026-11-21. */
const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  408: 'DEADLINE_EXCEEDED',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  415: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** The envelope Gemini clients read; our own code stands in `ErrorInfo.reason`, the wait in `RetryInfo`. */
export function renderError(error: GatewayError, requestId: string): Record<string, unknown> {
  const metadata: Wire = { code: error.code, request_id: requestId, ...(error.param === null ? {} : { param: error.param }) };
  const details: Wire[] = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: reasonOf(error), domain: 'opengateway', metadata }];
  if (error.param !== null)
    details.push({ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field: error.param, description: error.message }] });
  if (error.retryAfterMs !== undefined)
    details.push({ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: `${Math.ceil(error.retryAfterMs / 1_000)}s` });
  return { error: { code: error.status, message: error.message, status: STATUS[error.status] ?? 'UNKNOWN', details } };
}

/** Google's clients know this one word for a refused key. */
function reasonOf(error: GatewayError): string {
  return error.code === 'invalid_api_key' ? 'API_KEY_INVALID' : error.code.toUpperCase();
}
