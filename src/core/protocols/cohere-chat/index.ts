import type { UpstreamProtocol } from '../protocol.js';
import { endpoint } from './endpoint.js';
import { parseError } from './parse-error.js';
import { parseResponse } from './parse-response.js';
import { CohereStreamParser } from './parse-stream.js';
import { renderRequest } from './render-request.js';

/** Cohere's chat API, version 2 (https://docs.cohere.com/reference/chat). README.md says what it keeps and what it cannot. */
export const cohereChat: UpstreamProtocol = {
  id: 'cohere-chat',
  headers: {},
  endpoint,
  renderRequest,
  parseResponse,
  createStreamParser: (sink, context) => new CohereStreamParser(sink, context),
  parseError,
};
