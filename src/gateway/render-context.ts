import type { RenderContext } from '../core/protocols/protocol.js';
import type { AdmittedExchange } from './exchange.js';
import { responseStateOf } from './responses/response-state.js';

const ID_PREFIX: Record<string, string> = { 'openai-chat': 'chatcmpl-', 'anthropic-messages': 'msg_', 'gemini-generate': '', 'openai-responses': 'resp_', 'openai-completions': 'cmpl-' };

const NO_MEMBERS: Pick<RenderContext, 'echo' | 'memory'> = {};

/** How the answer is named to the client: one id, one time, one public model name, whichever deployment serves. */
export function renderContextFor(exchange: AdmittedExchange): RenderContext {
  const { echo, memory } = responsesMembers(exchange);
  const bare = exchange.requestId.slice(exchange.requestId.indexOf('_') + 1);
  return {
    requestId: exchange.requestId,
    responseId: `${ID_PREFIX[exchange.protocol.id] ?? ''}${bare}`,
    createdS: Math.floor(exchange.receivedAtMs / 1000),
    model: exchange.served?.model.id ?? exchange.request.model,
    includeUsage: exchange.request.includeUsage,
    reasoningField: exchange.options.reasoningField,
    echo,
    memory,
  };
}

/** A response repeats its request, and its stream is numbered over all attempts. */
function responsesMembers(exchange: AdmittedExchange): Pick<RenderContext, 'echo' | 'memory'> {
  const state = responseStateOf(exchange);
  if (state === undefined) return NO_MEMBERS;
  const own = { store: state.keep, ...(state.previousResponseId === undefined ? {} : { previous_response_id: state.previousResponseId }) };
  return { echo: { ...exchange.body.value, ...own }, memory: state.memory };
}
