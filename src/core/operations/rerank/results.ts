import type { Usage } from '../../chat/usage.js';
import type { JsonObject } from '../../json/index.js';
import { UnreadableAnswer } from '../../protocols/protocol.js';
import type { OperationResult } from '../operation.js';
import { jsonReply, promptUsageReply } from '../render-reply.js';
import type { RerankRequest } from './rerank.js';

/** Best first. Throws UnreadableAnswer when a result has no score, or names a document that was not sent. */
export function resultOf(items: readonly JsonObject[], request: RerankRequest, usage: Usage | undefined): OperationResult {
  const results = items.map((item) => resultIn(item, request));
  return {
    usage,
    images: 0,
    seconds: 0,
    render: (context) => jsonReply({ id: context.requestId, object: 'list', model: context.model, results, usage: promptUsageReply(context) }),
  };
}

function resultIn(item: JsonObject, { documents, texts, returnDocuments }: RerankRequest): JsonObject {
  const { index } = item;
  const score = item['relevance_score'] ?? item['relevanceScore'] ?? item['score'];
  if (typeof index !== 'number' || documents[index] === undefined || typeof score !== 'number') {
    throw new UnreadableAnswer('The provider’s answer has a result without document or score.');
  }
  return { index, relevance_score: score, ...(returnDocuments ? { document: { text: texts[index] } } : {}) };
}
