import type { UpstreamProtocol } from '../protocol.js';
import { modelEndpoint, parseError } from '../shared-bedrock/index.js';
import type { Bodies } from './bodies.js';
import { parseResponse } from './parse-response.js';
import { InvokeStreamParser } from './parse-stream.js';
import { renderRequest } from './render-request.js';

/** Amazon Bedrock's InvokeModel (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModel.html): one door, each model's own body. README. */
export function bedrockInvoke(bodies: Bodies): UpstreamProtocol {
  return {
    id: 'bedrock-invoke',
    headers: {},
    streamMediaType: 'application/vnd.amazon.eventstream',
    endpoint: (target) => modelEndpoint(target, { whole: 'invoke', stream: 'invoke-with-response-stream' }),
    renderRequest: (request, context) => renderRequest(request, context, bodies),
    parseResponse: (body, context) => parseResponse(body, context, bodies),
    createStreamParser: (sink, context) => new InvokeStreamParser(sink, context, bodies),
    parseError,
  };
}
