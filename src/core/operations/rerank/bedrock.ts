import { modelEndpoint } from '../../protocols/shared-bedrock/index.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, objectsOf } from '../read-answer.js';
import { dropped, jsonBody } from '../read-request.js';
import type { RerankRequest } from './rerank.js';
import { resultOf } from './results.js';

/** Cohere's own version of the shape, which Amazon's model took over. */
const API_VERSION = 2;

/**
 * Amazon's and Cohere's rerankers through InvokeModel, on the host that everything else of Bedrock is asked at
 * (https://docs.aws.amazon.com/bedrock/latest/userguide/rerank-use.html, read 2026-11-29). The agents' own door (`/rerank`) answers the same with
 * `relevanceScore`. Queries are billed, not tokens.
 */
export const bedrockRerank: OperationWire<RerankRequest> = {
  endpoint: ({ baseUrl, upstreamModel }) => modelEndpoint({ baseUrl, upstreamModel, stream: false }, { whole: 'invoke', stream: 'invoke' }),
  render: ({ query, texts, topN, extra }) =>
    jsonBody({ query, documents: texts, api_version: API_VERSION, ...(topN === undefined ? {} : { top_n: topN }) }, dropped(Object.keys(extra))),
  parse: (answer, request) => resultOf(objectsOf(jsonOf(answer), 'results'), request, undefined),
};
