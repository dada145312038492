import { openaiEndpoint } from '../endpoint.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { dropped, jsonBody } from '../read-request.js';
import type { EmbeddingsRequest } from './embeddings.js';
import { orderedVectors } from './openai.js';
import { resultOf, textsOf } from './vectors.js';

const TASKS: Readonly<Record<string, string>> = {
  search_document: 'retrieval.passage',
  document: 'retrieval.passage',
  search_query: 'retrieval.query',
  query: 'retrieval.query',
  classification: 'classification',
  clustering: 'separation',
};

/** Jina: OpenAI's shape with `task` and `embedding_type` (api.jina.ai, read 2026-11-21); floats are asked for and encoded here. */
export const jinaEmbeddings: OperationWire<EmbeddingsRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/embeddings'),
  render({ inputs, dimensions, inputType, user, extra }, { upstreamModel }) {
    const wire = {
      ...extra,
      model: upstreamModel,
      input: textsOf(inputs),
      ...(dimensions === undefined ? {} : { dimensions }),
      ...(inputType === undefined ? {} : { task: TASKS[inputType] ?? inputType }),
    };
    return jsonBody(wire, dropped([user !== undefined && 'user']));
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    return resultOf(orderedVectors(objectsOf(body, 'data')), request, usageOf(body['usage']));
  },
};
