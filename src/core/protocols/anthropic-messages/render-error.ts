import type { ErrorCode } from '../../errors/catalogue.js';
import type { GatewayError } from '../../errors/gateway-error.js';

/** Anthropic's error types by status (https://platform.claude.com/docs/en/api/errors, read 2026-11-21). */
const TYPE_OF_STATUS: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  405: 'invalid_request_error',
  408: 'timeout_error',
  409: 'conflict_error',
  413: 'request_too_large',
  415: 'invalid_request_error',
  422: 'invalid_request_error',
  429: 'rate_limit_error',
  504: 'timeout_error',
  508: 'invalid_request_error',
  529: 'overloaded_error',
};

const OVERLOADS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['overloaded', 'upstream_overloaded']);

/** Claude Code compacts its conversation when it reads these words (api-conventions 15). */
const TOO_LONG = 'prompt is too long';

export function renderError(error: GatewayError, requestId: string): Record<string, unknown> {
  return { type: 'error', error: { type: errorType(error), message: messageOf(error) }, request_id: requestId };
}

/** Overload is 529 to Anthropic's clients (api-conventions 13). */
export function errorStatus(error: GatewayError): number {
  return error.status === 503 && OVERLOADS.has(error.code) ? 529 : error.status;
}

function errorType(error: GatewayError): string {
  return TYPE_OF_STATUS[errorStatus(error)] ?? 'api_error';
}

function messageOf(error: GatewayError): string {
  if (error.code !== 'context_length_exceeded' || error.message.toLowerCase().includes(TOO_LONG)) return error.message;
  return `${TOO_LONG}: ${error.message}`;
}
