import type { UpstreamProtocol } from '../protocol.js';
import { modelEndpoint, parseError } from '../shared-bedrock/index.js';
import { parseResponse } from './parse-response.js';
import { BedrockStreamParser } from './parse-stream.js';
import { renderRequest } from './render-request.js';

/** Amazon Bedrock's Converse API (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). README.md says what it keeps. */
export const bedrockConverse: UpstreamProtocol = {
  id: 'bedrock-converse',
  headers: {},
  streamMediaType: 'application/vnd.amazon.eventstream',
  endpoint: (target) => modelEndpoint(target, { whole: 'converse', stream: 'converse-stream' }),
  renderRequest,
  parseResponse,
  createStreamParser: (sink, context) => new BedrockStreamParser(sink, context),
  parseError,
};
