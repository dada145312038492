import type { ChatProtocol } from '../protocol.js';
import { endpoint } from './endpoint.js';
import { renderNativeRequest } from './native-request.js';
import { parseError, renderError } from '../shared-openai/index.js';
import { parseRequest } from './parse-request.js';
import { parseResponse } from './parse-response.js';
import { OpenAiStreamParser } from './parse-stream.js';
import { renderRequest } from './render-request.js';
import { renderNativeResponse, renderResponse } from './render-response.js';
import { OpenAiStreamRenderer } from './render-stream.js';
import { writePlainAnswer } from './write-plain-answer.js';

/** OpenAI's Chat Completions, and everybody who speaks it (README: what is read, what is written, what is not promised). */
export const openaiChat: ChatProtocol = {
  id: 'openai-chat',
  headers: {},
  endpoint,
  parseRequest,
  renderRequest,
  renderNativeRequest,
  parseResponse,
  renderResponse,
  renderNativeResponse,
  writeNativeResponse: writePlainAnswer,
  parseError,
  renderError,
  createStreamParser: (sink, context) => new OpenAiStreamParser(sink, context),
  createStreamRenderer: (context) => new OpenAiStreamRenderer(context),
};

export { openaiCompletions } from './legacy/index.js';
export { isOneText, legacyMembersIn } from './legacy/parse-request.js';
