import type { ChatProtocol } from '../protocol.js';
import { endpoint } from './endpoint.js';
import { parseError } from './parse-error.js';
import { parseRequest } from './parse-request.js';
import { parseResponse } from './parse-response.js';
import { GeminiStreamParser } from './parse-stream.js';
import { renderError } from './render-error.js';
import { renderNativeRequest, renderRequest } from './render-request.js';
import { renderNativeResponse, renderResponse } from './render-response.js';
import { GeminiStreamRenderer } from './render-stream.js';

/** Google's `generateContent` (Gemini API and Vertex AI). README.md says what it keeps and what it cannot. */
export const geminiGenerate: ChatProtocol = {
  id: 'gemini-generate',
  headers: {},
  parseRequest,
  renderResponse,
  renderNativeResponse,
  createStreamRenderer: (context) => new GeminiStreamRenderer(context),
  renderError,
  endpoint,
  renderRequest,
  renderNativeRequest,
  parseResponse,
  createStreamParser: (sink, context) => new GeminiStreamParser(sink, context),
  parseError,
};
