import type { JsonObject } from '../../json/index.js';
import { openaiEndpoint } from '../endpoint.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { jsonBody } from '../read-request.js';
import type { EmbeddingsRequest } from './embeddings.js';
import { resultOf, vectorOf, type Vector } from './vectors.js';

/** OpenAI and everybody who speaks its embeddings: the client's own members pass on. */
export const openaiEmbeddings: OperationWire<EmbeddingsRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/embeddings'),
  render: (request, { upstreamModel }) => jsonBody(wireOf(request, upstreamModel)),
  parse(answer, request) {
    const body = jsonOf(answer);
    return resultOf(orderedVectors(objectsOf(body, 'data')), request, usageOf(body['usage']));
  },
};

function wireOf(request: EmbeddingsRequest, model: string): JsonObject {
  const { inputs, single, encodingFormat, dimensions, user, inputType, extra } = request;
  return {
    ...extra,
    model,
    input: single ? inputs[0] : inputs,
    ...(encodingFormat === undefined ? {} : { encoding_format: encodingFormat }),
    ...(dimensions === undefined ? {} : { dimensions }),
    ...(user === undefined ? {} : { user }),
    ...(inputType === undefined ? {} : { input_type: inputType }),
  };
}

/** By `index` where every item has one: batches have been seen out of order. */
export function orderedVectors(items: readonly JsonObject[]): Vector[] {
  const indexed = items.every((item) => typeof item['index'] === 'number');
  const ordered = indexed ? items.toSorted((a, b) => (a['index'] as number) - (b['index'] as number)) : items;
  return ordered.map((item) => vectorOf(item['embedding']));
}
