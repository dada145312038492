import type { ProviderDefinition } from './definition.js';

/** Embeddings and rerank; chat is refused for its models. */
export const jina: ProviderDefinition = {
  id: 'jina',
  name: 'Jina AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.jina.ai/v1',
  auth: { kind: 'bearer' },
  env: ['JINA_API_KEY'],
  endpoints: ['embeddings', 'rerank'],
  request: [],
  response: {},
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: null,
  docs: 'https://jina.ai/embeddings/',
  evidence: [{ fact: 'embeddings and rerank at https://api.jina.ai/v1', source: 'https://jina.ai/reranker/', date: '2026-11-21' }],
};
