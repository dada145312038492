import { GatewayError } from '../../../errors/gateway-error.js';
import type { ChatProtocol } from '../../protocol.js';
import { renderNativeRequest } from '../native-request.js';
import { parseError, renderError } from '../../shared-openai/index.js';
import { parseResponse } from '../parse-response.js';
import { asChatAnswer, CompletionsStreamParser } from './parse-answer.js';
import { parseRequest } from './parse-request.js';
import { CompletionsStreamRenderer, renderResponse } from './render-answer.js';
import { completionsEndpoint } from './endpoint.js';

/**
 * OpenAI's legacy Completions. A client's prompt becomes one user message, so that every chat model can answer; where the
 * deployment has completions itself, the client's own body goes there (natively), with whatever prompt it holds.
 */
export const openaiCompletions: ChatProtocol = {
  id: 'openai-completions',
  headers: {},
  endpoint: completionsEndpoint,
  parseRequest,
  renderRequest() {
    throw new GatewayError('invalid_request', 'The model serves completions, not chat.', { param: 'model' });
  },
  renderNativeRequest,
  parseResponse: (body, context) => parseResponse(asChatAnswer(body), context),
  renderResponse,
  renderNativeResponse(raw, context, summary, response) {
    return renderResponse(response ?? parseResponse(asChatAnswer(raw), { dialect: {}, choices: 1 }), context, summary);
  },
  parseError,
  renderError,
  createStreamParser: (sink, context) => new CompletionsStreamParser(sink, context),
  createStreamRenderer: (context) => new CompletionsStreamRenderer(context),
};
