import { openaiEndpoint } from '../endpoint.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { dropped, jsonBody } from '../read-request.js';
import type { EmbeddingsRequest } from './embeddings.js';
import { orderedVectors } from './openai.js';
import { resultOf, textsOf } from './vectors.js';

const INPUT_TYPES: Readonly<Record<string, string>> = { search_document: 'document', search_query: 'query' };

/**
 * Voyage: OpenAI's shape with `output_dimension`; its `encoding_format` knows only base64, so floats are asked for and encoded
 * here; usage is `total_tokens` alone (docs.voyageai.com/reference/embeddings-api, read 2026-11-21).
 */
export const voyageEmbeddings: OperationWire<EmbeddingsRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/embeddings'),
  render({ inputs, dimensions, inputType, user, extra }, { upstreamModel }) {
    const wire = {
      ...extra,
      model: upstreamModel,
      input: textsOf(inputs),
      ...(dimensions === undefined ? {} : { output_dimension: dimensions }),
      ...(inputType === undefined ? {} : { input_type: INPUT_TYPES[inputType] ?? inputType }),
    };
    return jsonBody(wire, dropped([user !== undefined && 'user']));
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    return resultOf(orderedVectors(objectsOf(body, 'data')), request, usageOf(body['usage']));
  },
};
