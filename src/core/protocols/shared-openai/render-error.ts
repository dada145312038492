import type { GatewayError } from '../../errors/gateway-error.js';
import type { JsonObject } from '../../json/index.js';

/** CONTRACT section 6: all keys are always present; `param` may be null. */
export function renderError(error: GatewayError, requestId: string): JsonObject {
  const body: JsonObject = { message: error.message, type: error.entry.type, param: error.param, code: error.code, request_id: requestId };
  if (error.metadata !== undefined) body['metadata'] = error.metadata;
  return { error: body };
}
