import type { ParameterAdjustment } from '../../chat/parameter-report.js';
import type { ChatRequest } from '../../chat/request.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { RenderedRequest, UpstreamRenderContext } from '../protocol.js';

/**
 * The client's own members with what the gateway must change: the model's name, usage in every stream (it is metered whether
 * or not the client asked, api-conventions 40), a maximum that a policy lowered.
 */
export function renderNativeRequest(wire: JsonObject, request: ChatRequest, context: UpstreamRenderContext): RenderedRequest {
  const next: JsonObject = { ...wire, model: context.upstreamModel };
  const report: ParameterAdjustment[] = [];
  // The fallback list is the gateway's to walk.
  if (next['models'] !== undefined) delete next['models'];
  if (request.stream) askForUsage(next);
  else if (isObject(next['stream_options'])) {
    // OpenAI answers 400 to stream options without a stream.
    delete next['stream_options'];
    report.push({ parameter: 'stream_options', action: 'dropped' });
  }
  limitOutput(next, request);
  return { wire: next, report };
}

function askForUsage(wire: JsonObject): void {
  const options = isObject(wire['stream_options']) ? wire['stream_options'] : {};
  if (options['include_usage'] !== true) wire['stream_options'] = { ...options, include_usage: true };
}

/** What parsing and policy agreed on stands under the name the client used; the other name goes. */
function limitOutput(wire: JsonObject, request: ChatRequest): void {
  const limit = request.maxOutputTokens;
  if (limit === undefined) return;
  const name = request.wireNames['maxOutputTokens'] === 'max_completion_tokens' ? 'max_completion_tokens' : 'max_tokens';
  const other = name === 'max_tokens' ? 'max_completion_tokens' : 'max_tokens';
  if (wire[other] !== undefined) delete wire[other];
  if (wire[name] !== limit) wire[name] = limit;
}
