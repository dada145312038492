import type { ChatProtocol } from '../protocol.js';
import { renderError } from '../shared-openai/index.js';
import { endpoint } from './endpoint.js';
import { renderNativeRequest } from './native-request.js';
import { parseError } from './parse-error.js';
import { parseRequest } from './parse-request.js';
import { parseResponse } from './parse-response.js';
import { ResponsesStreamParser } from './parse-stream.js';
import { renderRequest } from './render-request.js';
import { renderNativeResponse, renderResponse } from './render-response.js';
import { ResponsesStreamRenderer } from './render-stream.js';
import { PROTOCOL } from './types.js';

/** OpenAI's Responses API, both directions (README: what is read, what is written, what is not promised). */
export const openaiResponses: ChatProtocol = {
  id: PROTOCOL,
  headers: {},
  endpoint,
  parseRequest,
  renderRequest,
  renderNativeRequest,
  parseResponse,
  renderResponse,
  renderNativeResponse,
  parseError,
  renderError,
  createStreamParser: (sink, context) => new ResponsesStreamParser(sink, context),
  createStreamRenderer: (context) => new ResponsesStreamRenderer(context),
};
