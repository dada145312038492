import type { ProviderDefinition } from './definition.js';

export const cohere: ProviderDefinition = {
  id: 'cohere',
  name: 'Cohere',
  protocol: 'cohere-chat',
  baseUrl: 'https://api.cohere.com',
  auth: { kind: 'bearer' },
  env: ['COHERE_API_KEY', 'CO_API_KEY'],
  endpoints: ['chat', 'embeddings', 'rerank'],
  request: [],
  response: {},
  headerFacts: { requestId: 'x-debug-trace-id' },
  cancelStopsBilling: true,
  docs: 'https://docs.cohere.com/reference/chat',
  evidence: [
    { fact: 'p from 0.01 to 0.99, k to 500, penalties from 0 to 1, five stop sequences', source: 'https://docs.cohere.com/reference/chat', date: '2026-11-21' },
    { fact: 'tokens include cached_tokens, billed_units do not', source: 'recorded traffic of command-a-03-2025', date: '2026-11-21' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
