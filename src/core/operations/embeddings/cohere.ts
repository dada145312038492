import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer } from '../../protocols/protocol.js';
import { cohereEndpoint } from '../endpoint.js';
import type { OperationWire } from '../operation.js';
import { jsonOf, promptUsage } from '../read-answer.js';
import { dropped, jsonBody } from '../read-request.js';
import type { EmbeddingsRequest } from './embeddings.js';
import { resultOf, textsOf, vectorOf } from './vectors.js';

/** Cohere demands one for its models since v3 (docs.cohere.com/reference/embed, read 2026-11-21). */
const DEFAULT_INPUT_TYPE = 'search_document';
/** Members of its own that a client may add. */
const PASSED_ON = ['truncate', 'max_tokens', 'priority'];

/** `POST /v2/embed`: floats by type; what is invoiced stands in `meta.billed_units`. */
export const cohereEmbeddings: OperationWire<EmbeddingsRequest> = {
  endpoint: ({ baseUrl }) => cohereEndpoint(baseUrl, '/embed'),
  render(request, { upstreamModel }) {
    const { extra, dimensions, inputType, inputs, user } = request;
    const passed = Object.fromEntries(Object.entries(extra).filter(([name]) => PASSED_ON.includes(name)));
    const wire: JsonObject = {
      ...passed,
      model: upstreamModel,
      texts: textsOf(inputs),
      input_type: inputType ?? DEFAULT_INPUT_TYPE,
      embedding_types: ['float'],
      ...(dimensions === undefined ? {} : { output_dimension: dimensions }),
    };
    const unknown = Object.keys(extra).filter((name) => !PASSED_ON.includes(name));
    return jsonBody(wire, dropped([...unknown, user !== undefined && 'user']));
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    return resultOf(floatsOf(body['embeddings']).map(vectorOf), request, billedTokens(body));
  },
};

/** By type since v2; a bare list of vectors in answers of `embeddings_floats`. */
function floatsOf(embeddings: unknown): unknown[] {
  const list = isObject(embeddings) ? embeddings['float'] : embeddings;
  if (Array.isArray(list)) return list as unknown[];
  throw new UnreadableAnswer('The provider’s answer has no `embeddings.float`.');
}

function billedTokens({ meta }: JsonObject) {
  const billed = isObject(meta) ? meta['billed_units'] : undefined;
  if (!isObject(billed)) return undefined;
  const images = billed['image_tokens'];
  return promptUsage(Number(billed['input_tokens'] ?? 0) + (typeof images === 'number' ? images : 0));
}
