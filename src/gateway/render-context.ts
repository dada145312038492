import type { RenderContext } from '../core/protocols/protocol.js';
import type { AdmittedExchange } from './exchange.js';

const ID_PREFIX: Record<string, string> = { 'openai-chat': 'chatcmpl-', 'anthropic-messages': 'msg_', 'gemini-generate': '' };

/** How the answer is named to the client: one id, one time, one public model name, whichever deployment serves. */
export function renderContextFor(exchange: AdmittedExchange): RenderContext {
  const bare = exchange.requestId.slice(exchange.requestId.indexOf('_') + 1);
  return {
    requestId: exchange.requestId,
    responseId: `${ID_PREFIX[exchange.protocol.id] ?? ''}${bare}`,
    createdS: Math.floor(exchange.receivedAtMs / 1000),
    model: exchange.served?.model.id ?? exchange.request.model,
    includeUsage: exchange.request.includeUsage,
    reasoningField: exchange.options.reasoningField,
  };
}
