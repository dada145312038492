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
    const { wire, unknown } = cohereMembers(request);
    return jsonBody({ model: upstreamModel, ...wire }, dropped(unknown));
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    return resultOf(cohereFloats(body['embeddings']).map(vectorOf), request, billedTokens(body));
  },
};

/** What is asked for, but for the model's name; and what has no equal. */
export function cohereMembers({ extra, dimensions, inputType, inputs, user }: EmbeddingsRequest): { wire: JsonObject; unknown: string[] } {
  const passed = Object.fromEntries(Object.entries(extra).filter(([name]) => PASSED_ON.includes(name)));
  const wire: JsonObject = {
    ...passed,
    texts: textsOf(inputs),
    input_type: inputType ?? DEFAULT_INPUT_TYPE,
    embedding_types: ['float'],
    ...(dimensions === undefined ? {} : { output_dimension: dimensions }),
  };
  const unknown = Object.keys(extra).filter((name) => !PASSED_ON.includes(name));
  return { wire, unknown: user === undefined ? unknown : [...unknown, 'user'] };
}

/** By type since v2; a bare list of vectors in answers of `embeddings_floats`. */
export function cohereFloats(embeddings: unknown): unknown[] {
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
