import type { ProviderDefinition } from './definition.js';

/** Embeddings and rerank; it has no chat, and chat is refused for its models. */
export const voyage: ProviderDefinition = {
  id: 'voyage',
  name: 'Voyage AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.voyageai.com/v1',
  auth: { kind: 'bearer' },
  env: ['VOYAGE_API_KEY'],
  endpoints: ['embeddings', 'rerank'],
  request: [],
  response: {},
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: null,
  docs: 'https://docs.voyageai.com/reference/embeddings-api',
  evidence: [{ fact: 'embeddings and rerank only; usage is total_tokens', source: 'recorded traffic of api.voyageai.com', date: '2026-11-21' }],
};
