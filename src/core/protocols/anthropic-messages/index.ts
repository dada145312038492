import type { ChatProtocol } from '../protocol.js';
import { endpoint } from './endpoint.js';
import { parseError } from './parse-error.js';
import { parseRequest } from './parse-request.js';
import { parseResponse } from './parse-response.js';
import { AnthropicStreamParser } from './parse-stream.js';
import { errorStatus, renderError } from './render-error.js';
import { renderNativeRequest, renderRequest } from './render-request.js';
import { renderNativeResponse, renderResponse } from './render-response.js';
import { AnthropicStreamRenderer } from './render-stream.js';
import { PROTOCOL } from './types.js';

/** Anthropic's Messages API, both directions. The model facts it reads: `model-facts.ts`; rules and limits: README. */
export const anthropicMessages: ChatProtocol = {
  id: PROTOCOL,
  parseRequest,
  renderResponse,
  renderNativeResponse,
  createStreamRenderer: (context) => new AnthropicStreamRenderer(context),
  renderError,
  errorStatus,
  endpoint,
  headers: { 'anthropic-version': '2023-06-01' },
  renderRequest,
  renderNativeRequest,
  parseResponse,
  createStreamParser: (sink, context) => new AnthropicStreamParser(sink, context),
  parseError,
};
