import { GatewayError } from '../core/errors/gateway-error.js';
import { findWireId } from '../core/operations/index.js';
import type { PreparedOperation, UpstreamOperation } from './exchange.js';
import { USER_AGENT, viaOf, type Lane } from './prepare-call.js';

/** Renders without sending. Pure. Throws 400 when the provider has no such operation, or its wire cannot carry the request. */
export function prepareOperation({ operation, request, deployment, hopCount }: UpstreamOperation, { definition }: Lane): PreparedOperation {
  const wireId = findWireId(definition.id, deployment.protocol);
  const wire = wireId === null ? undefined : operation.wires[wireId];
  if (wire === undefined) {
    throw new GatewayError('invalid_request', `The model does not serve ${operation.kind} at ${deployment.provider.id}.`, { param: 'model' });
  }
  const target = { baseUrl: deployment.provider.baseUrl, upstreamModel: deployment.upstreamModel };
  const { contentType, body, report } = wire.render(request, target);
  return {
    deployment,
    wire,
    operationRequest: request,
    report,
    request: {
      method: 'POST',
      url: wire.endpoint(target),
      headers: {
        accept: '*/*',
        'accept-encoding': 'identity',
        'content-type': contentType,
        'user-agent': USER_AGENT,
        via: viaOf(hopCount ?? 0),
        ...definition.headers,
      },
      body,
      deadlines: deployment.provider.deadlines,
    },
  };
}
