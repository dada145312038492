import type { UpstreamProtocol } from '../protocol.js';
import { endpoint } from './endpoint.js';
import { parseError } from './parse-error.js';
import { parseResponse } from './parse-response.js';
import { OllamaStreamParser } from './parse-stream.js';
import { renderRequest } from './render-request.js';

/** Ollama's own chat API (https://github.com/ollama/ollama/blob/main/docs/api.md). README.md says what it keeps and what it cannot. */
export const ollamaChat: UpstreamProtocol = {
  id: 'ollama-chat',
  headers: {},
  streamMediaType: 'application/x-ndjson',
  streamsObjects: true,
  endpoint,
  renderRequest,
  parseResponse,
  createStreamParser: (sink, context) => new OllamaStreamParser(sink, context),
  parseError,
};
