/** Error types a client may branch on (api-conventions 11). */
export type ErrorType =
  | 'invalid_request_error'
  | 'authentication_error'
  | 'permission_error'
  | 'not_found_error'
  | 'insufficient_quota'
  | 'rate_limit_error'
  | 'api_error'
  | 'upstream_error'
  | 'timeout_error'
  | 'content_policy_error';

export interface CatalogueEntry {
  status: number;
  type: ErrorType;
  /** What to do about it, for `GET /v1/errors` and the docs. */
  remedy: string;
  /** `x-should-retry`; undefined leaves the decision to the client's rule for the status. */
  shouldRetry?: boolean;
}

const entry = (status: number, type: ErrorType, remedy: string, shouldRetry?: boolean): CatalogueEntry => ({ status, type, remedy, shouldRetry });

/** The one error catalogue: every `error.code` a client can see, in the order of their statuses. */
export const ERROR_CATALOGUE = {
  invalid_request: entry(400, 'invalid_request_error', 'Correct the parameter that `param` names.', false),
  unsupported_parameter: entry(400, 'invalid_request_error', 'Leave the parameter out, choose a model that supports it, or drop `x-og-strict`.', false),
  context_length_exceeded: entry(400, 'invalid_request_error', 'Shorten the prompt or choose a model with a larger context window.', false),
  content_policy_violation: entry(400, 'content_policy_error', 'Change the content; the provider refused it.', false),
  store_disabled: entry(400, 'invalid_request_error', 'Use a key whose policy is `store: full`, or send the whole history.', false),
  unpriced: entry(400, 'invalid_request_error', 'Give the model a price for this token class, or `price: free`.', false),
  missing_api_key: entry(401, 'authentication_error', 'Send `Authorization: Bearer sk-og-…`.', false),
  invalid_api_key: entry(401, 'authentication_error', 'Check the key for typing errors; keys start with `sk-og-`.', false),
  revoked_api_key: entry(401, 'authentication_error', 'Use another key; this one was revoked.', false),
  expired_api_key: entry(401, 'authentication_error', 'Use another key; this one has expired.', false),
  insufficient_credits: entry(402, 'insufficient_quota', 'Add credit to the organization.', false),
  budget_exceeded: entry(402, 'insufficient_quota', 'Raise the budget, or wait for its next period.', false),
  model_not_allowed: entry(403, 'permission_error', 'Use a model the policy allows, or have the policy changed.', false),
  provider_not_allowed: entry(403, 'permission_error', 'Use a model of a provider the policy allows.', false),
  zone_not_allowed: entry(403, 'permission_error', 'Use a model served in a zone the policy allows.', false),
  capability_not_allowed: entry(403, 'permission_error', 'Leave the capability out, or have the policy changed.', false),
  streaming_not_allowed: entry(403, 'permission_error', 'Send `stream: false`, or the other way round, as the policy says.', false),
  price_not_allowed: entry(403, 'permission_error', 'Use a cheaper model.', false),
  class_not_allowed: entry(403, 'permission_error', 'Use a model of a class the policy allows.', false),
  ip_not_allowed: entry(403, 'permission_error', 'Call from an address the policy allows.', false),
  schedule_not_allowed: entry(403, 'permission_error', 'Call within the hours the policy allows.', false),
  model_not_found: entry(404, 'not_found_error', 'Take a model from `GET /v1/models`.', false),
  model_retired: entry(404, 'not_found_error', 'Use the replacement that the message names.', false),
  not_found: entry(404, 'not_found_error', 'Check the path; the base URL ends in `/v1`.', false),
  code_not_found: entry(404, 'not_found_error', 'Check the code for typing errors.', false),
  method_not_allowed: entry(405, 'invalid_request_error', 'Use the method that the `Allow` header names.', false),
  request_timeout: entry(408, 'timeout_error', 'Send the whole body in time.'),
  idempotency_in_progress: entry(409, 'invalid_request_error', 'Wait for the first call with this key to end.', true),
  code_already_redeemed: entry(409, 'invalid_request_error', 'Use another code.', false),
  code_expired: entry(409, 'invalid_request_error', 'Use another code.', false),
  refund_exceeds_captured: entry(409, 'invalid_request_error', 'Refund at most what was captured.', false),
  conflict: entry(409, 'invalid_request_error', 'Read the current state and try again.', false),
  request_too_large: entry(413, 'invalid_request_error', 'Send a smaller body.', false),
  unsupported_media_type: entry(415, 'invalid_request_error', 'Send `Content-Type: application/json`, not compressed.', false),
  idempotency_mismatch: entry(422, 'invalid_request_error', 'Use a new idempotency key for another body.', false),
  rate_limit_exceeded: entry(429, 'rate_limit_error', 'Wait as long as `retry-after` says.', true),
  upstream_rate_limited: entry(429, 'rate_limit_error', 'Wait as long as `retry-after` says; every provider of this model limits us now.', true),
  internal_error: entry(500, 'api_error', 'Report the request id.'),
  upstream_error: entry(502, 'upstream_error', 'Try again; the provider failed.'),
  upstream_auth_failed: entry(502, 'upstream_error', "Tell the operator: a provider refused the gateway's own credential."),
  upstream_invalid_response: entry(502, 'upstream_error', 'Try again; the provider answered something unreadable.'),
  service_unavailable: entry(503, 'api_error', 'Try again after `retry-after`.'),
  no_deployment_available: entry(503, 'upstream_error', 'Try again after `retry-after`, or use another model.'),
  overloaded: entry(503, 'api_error', 'Try again after `retry-after`.'),
  upstream_overloaded: entry(503, 'upstream_error', 'Try again after `retry-after`.'),
  policy_invalid: entry(503, 'api_error', 'Tell the operator: the stored policy of this key cannot be read.'),
  upstream_timeout: entry(504, 'timeout_error', 'Try again; the message says which deadline passed.'),
  loop_detected: entry(508, 'invalid_request_error', 'A gateway is configured as its own provider.', false),
  upstream_interrupted: entry(502, 'upstream_error', "Send the request again; the provider's stream broke off."),
  server_shutdown: entry(503, 'api_error', 'Send the request again; this server was shutting down.'),
} as const satisfies Record<string, CatalogueEntry>;

export type ErrorCode = keyof typeof ERROR_CATALOGUE;
