import { isObject } from '../../json/index.js';
import { UnreadableAnswer } from '../../protocols/protocol.js';
import type { OperationTarget, OperationWire } from '../operation.js';
import { jsonOf, objectsOf, promptUsage } from '../read-answer.js';
import { dropped, jsonBody } from '../read-request.js';
import type { EmbeddingsRequest } from './embeddings.js';
import { resultOf, textsOf, vectorOf } from './vectors.js';

/** Cohere's words for what vectors are for → Gemini's `taskType` (ai.google.dev/gemini-api/docs/embeddings, read 2026-11-21). */
const TASKS: Readonly<Record<string, string>> = {
  search_document: 'RETRIEVAL_DOCUMENT',
  document: 'RETRIEVAL_DOCUMENT',
  search_query: 'RETRIEVAL_QUERY',
  query: 'RETRIEVAL_QUERY',
  classification: 'CLASSIFICATION',
  clustering: 'CLUSTERING',
};

/** `batchEmbedContents`: one inner request per text. It states no usage, so that ours is an estimate. */
export const geminiEmbeddings: OperationWire<EmbeddingsRequest> = {
  endpoint,
  render(request, target) {
    const task = request.inputType === undefined ? undefined : TASKS[request.inputType];
    const options = {
      ...(request.dimensions === undefined ? {} : { outputDimensionality: request.dimensions }),
      ...(task === undefined ? {} : { taskType: task }),
    };
    const model = `models/${nameOf(target)}`;
    const requests = textsOf(request.inputs).map((text) => ({ model, content: { parts: [{ text }] }, ...options }));
    const report = dropped([...Object.keys(request.extra), request.user !== undefined && 'user', request.inputType !== undefined && task === undefined && 'input_type']);
    return jsonBody({ requests }, report);
  },
  parse(answer, request) {
    const body = jsonOf(answer);
    const metadata = body['usageMetadata'];
    const vectors = objectsOf(body, 'embeddings').map((item) => vectorOf(item['values']));
    if (vectors.length === 0) throw new UnreadableAnswer('The provider’s answer has no embeddings.');
    return resultOf(vectors, request, isObject(metadata) ? promptUsage(metadata['promptTokenCount']) : undefined);
  },
};

const nameOf = ({ upstreamModel }: OperationTarget): string => upstreamModel.replace(/^models\//, '');

function endpoint(target: OperationTarget): string {
  const base = new URL(target.baseUrl);
  const path = base.pathname.replace(/\/+$/, '').replace(/\/models$/, '');
  const versioned = /\/v\d+(?:(?:alpha|beta)\d*)?(?:\/|$)/.test(path) ? path : `${path}/v1beta`;
  return `${base.origin}${versioned}/models/${encodeURIComponent(nameOf(target))}:batchEmbedContents`;
}
