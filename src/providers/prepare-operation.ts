import type { Deployment } from '../core/catalog/model.js';
import { GatewayError } from '../core/errors/gateway-error.js';
import { wireIdOf, type Operation, type OperationRequest } from '../core/operations/index.js';
import type { PreparedOperation } from './exchange.js';
import { USER_AGENT, type Lane } from './prepare-call.js';

/** Renders without sending. Pure. Throws 400 when the provider has no such operation, or its wire cannot carry the request. */
export function prepareOperation(operation: Operation, request: OperationRequest, deployment: Deployment, { definition }: Lane): PreparedOperation {
  const wire = operation.wires[wireIdOf(definition.id, deployment.protocol)];
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
      headers: { accept: '*/*', 'accept-encoding': 'identity', 'content-type': contentType, 'user-agent': USER_AGENT, ...definition.headers },
      body,
      deadlines: deployment.provider.deadlines,
    },
  };
}
