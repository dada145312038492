import { isObject, type JsonObject } from '../../json/index.js';
import { cohereEndpoint } from '../endpoint.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, objectsOf, promptUsage } from '../read-answer.js';
import { dropped, jsonBody } from '../read-request.js';
import type { RerankRequest } from './rerank.js';
import { resultOf } from './results.js';

const PASSED_ON = ['max_tokens_per_doc', 'priority'];

/** `POST /v2/rerank`. Cohere bills searches, not tokens: `search_units` are charged by a price per `request`. */
export const cohereRerank: OperationWire<RerankRequest> = {
  endpoint: ({ baseUrl }) => cohereEndpoint(baseUrl, '/rerank'),
  render({ query, texts, topN, extra }, { upstreamModel }) {
    const passed = Object.fromEntries(Object.entries(extra).filter(([name]) => PASSED_ON.includes(name)));
    const wire: JsonObject = { ...passed, model: upstreamModel, query, documents: texts, ...(topN === undefined ? {} : { top_n: topN }) };
    return jsonBody(wire, dropped(Object.keys(extra).filter((name) => !PASSED_ON.includes(name))));
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    const billed = billedUnits(body);
    const searches = billed['search_units'];
    const result = resultOf(objectsOf(body, 'results'), request, promptUsage(billed['input_tokens']));
    return typeof searches === 'number' && Number.isSafeInteger(searches) && searches > 0 ? { ...result, requests: searches } : result;
  },
};

function billedUnits({ meta }: JsonObject): JsonObject {
  const billed = isObject(meta) ? meta['billed_units'] : undefined;
  return isObject(billed) ? billed : {};
}
