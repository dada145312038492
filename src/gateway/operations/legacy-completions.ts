import type { Deployment } from '../../core/catalog/model.js';
import type { ParameterAdjustment } from '../../core/chat/parameter-report.js';
import { GatewayError } from '../../core/errors/gateway-error.js';
import { isOneText, legacyMembersIn } from '../../core/protocols/openai-chat/index.js';
import type { Candidate } from '../../core/routing/plan.js';
import type { AdmittedExchange } from '../exchange.js';

const NATIVE = new WeakMap<Deployment, Deployment>();

/**
 * How a deployment is asked for completions: natively where it speaks OpenAI's family and its model has completions;
 * otherwise as chat. Throws 400 `unsupported_parameter` for a prompt that chat cannot carry.
 */
export function completionsDeployment(exchange: AdmittedExchange, { deployment, model }: Candidate): { deployment: Deployment; dropped: ParameterAdjustment[] } {
  if (deployment.protocol === 'openai-chat' && model.endpoints.includes('completions')) return { deployment: nativeOf(deployment), dropped: [] };
  const { value } = exchange.body;
  if (!isOneText(value)) {
    throw new GatewayError('unsupported_parameter', `The model ${model.id} takes one text as \`prompt\`, neither several nor tokens.`, { param: 'prompt' });
  }
  return { deployment, dropped: legacyMembersIn(value).map((parameter) => ({ parameter, action: 'dropped' })) };
}

function nativeOf(deployment: Deployment): Deployment {
  const known = NATIVE.get(deployment) ?? { ...deployment, protocol: 'openai-completions' as const };
  NATIVE.set(deployment, known);
  return known;
}
