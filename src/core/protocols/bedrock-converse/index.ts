import type { UpstreamProtocol } from '../protocol.js';
import { endpoint } from './endpoint.js';
import { parseError } from './parse-error.js';
import { parseResponse } from './parse-response.js';
import { BedrockStreamParser } from './parse-stream.js';
import { renderRequest } from './render-request.js';

/** Amazon Bedrock's Converse API (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html). README.md says what it keeps. */
export const bedrockConverse: UpstreamProtocol = {
  id: 'bedrock-converse',
  headers: {},
  streamMediaType: 'application/vnd.amazon.eventstream',
  endpoint,
  renderRequest,
  parseResponse,
  createStreamParser: (sink, context) => new BedrockStreamParser(sink, context),
  parseError,
};
