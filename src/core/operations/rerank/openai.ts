import { openaiEndpoint } from '../endpoint.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { jsonBody } from '../read-request.js';
import type { RerankRequest } from './rerank.js';
import { resultOf } from './results.js';

/** Jina's shape at `/rerank`, which Together, vLLM, SGLang and llama.cpp speak too. Documents are returned from what was sent, not asked for. */
export const openaiRerank: OperationWire<RerankRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/rerank'),
  render({ query, documents, topN, extra }, { upstreamModel }) {
    return jsonBody({ ...extra, model: upstreamModel, query, documents, ...(topN === undefined ? {} : { top_n: topN }) });
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    return resultOf(objectsOf(body, 'results', 'data'), request, usageOf(body['usage']));
  },
};
