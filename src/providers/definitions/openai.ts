import type { ProviderDefinition } from './definition.js';

export const openai: ProviderDefinition = {
  id: 'openai',
  name: 'OpenAI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.openai.com/v1',
  auth: { kind: 'bearer' },
  env: ['OPENAI_API_KEY'],
  endpoints: ['chat', 'completions', 'embeddings', 'images', 'audio', 'moderations'],
  // Its messages take no other members than its own; a replayed thought would be a 400.
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { rename: { max_tokens: 'max_completion_tokens' } },
    { omit: ['top_k', 'min_p', 'repetition_penalty'] },
    { omitFromMessages: ['reasoning_content', 'reasoning', 'reasoning_details'] },
    { stripCacheControl: true },
  ],
  response: {},
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: true,
  docs: 'https://platform.openai.com/docs/api-reference/chat',
  evidence: [
    {
      fact: 'reasoning models refuse max_tokens; all take max_completion_tokens',
      source: 'https://platform.openai.com/docs/api-reference/chat/create',
      date: '2026-11-21',
    },
    { fact: 'top_k is not a parameter', source: 'vercel/ai packages/openai', date: '2026-08-01' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
