import { openaiEndpoint } from '../endpoint.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { jsonBody } from '../read-request.js';
import type { RerankRequest } from './rerank.js';
import { resultOf } from './results.js';

/** Voyage: `top_k` for `top_n`, results under `data`, usage is `total_tokens` (docs.voyageai.com/reference/reranker-api, read 2026-11-21). */
export const voyageRerank: OperationWire<RerankRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/rerank'),
  render({ query, texts, topN, extra }, { upstreamModel }) {
    return jsonBody({ ...extra, model: upstreamModel, query, documents: texts, ...(topN === undefined ? {} : { top_k: topN }) });
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    return resultOf(objectsOf(body, 'data', 'results'), request, usageOf(body['usage']));
  },
};
