import type { ProviderDefinition } from './definition.js';

export const xai: ProviderDefinition = {
  id: 'xai',
  name: 'xAI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.x.ai/v1',
  auth: { kind: 'bearer' },
  env: ['XAI_API_KEY'],
  endpoints: ['chat', 'images'],
  request: [
    { rename: { max_tokens: 'max_completion_tokens' } },
    { omit: ['top_k', 'min_p', 'repetition_penalty', 'logit_bias'] },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning_content'] },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: true,
  docs: 'https://docs.x.ai/docs/api-reference',
  evidence: [
    {
      fact: 'completion_tokens exclude reasoning on chat (the protocol sees it by the total, so that a change there is no error here); errors are {code, error: "text"} and may come with 200',
      source: 'vercel/ai packages/xai',
      date: '2026-08-01',
    },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
