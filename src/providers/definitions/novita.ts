import type { ProviderDefinition } from './definition.js';

export const novita: ProviderDefinition = {
  id: 'novita',
  name: 'Novita AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.novita.ai/openai/v1',
  auth: { kind: 'bearer' },
  env: ['NOVITA_API_KEY'],
  endpoints: ['chat', 'completions', 'embeddings', 'rerank'],
  request: [{ rename: { max_completion_tokens: 'max_tokens' } }, { roles: { developer: 'system' } }, { stripCacheControl: true }],
  response: { reasoningAt: ['reasoning_content', 'think_tags'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: true,
  docs: 'https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion',
  evidence: [
    {
      fact: 'max_tokens is the limit of output; streams end with [DONE]',
      source: 'https://novita.ai/docs/api-reference/model-apis-llm-create-completion.md',
      date: '2026-11-21',
    },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
