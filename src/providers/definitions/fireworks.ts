import type { ProviderDefinition } from './definition.js';

export const fireworks: ProviderDefinition = {
  id: 'fireworks',
  name: 'Fireworks AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.fireworks.ai/inference/v1',
  auth: { kind: 'bearer' },
  env: ['FIREWORKS_API_KEY'],
  endpoints: ['chat', 'completions', 'embeddings', 'rerank'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { exclusive: { reasoning_effort: ['thinking'] } },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { usageSemantics: { promptIncludesCacheRead: true }, reasoningAt: ['reasoning_content'] },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: true,
  docs: 'https://docs.fireworks.ai/api-reference/post-chatcompletions',
  evidence: [
    {
      fact: 'reasoning_effort and thinking exclude each other: one of them is sent',
      source: 'models.dev providers/fireworks-ai/provider.toml',
      date: '2026-06-25',
    },
    {
      fact: 'cached tokens are part of prompt_tokens and have their own price',
      source: 'https://github.com/BerriAI/litellm/issues/31714',
      date: '2026-08-01',
    },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
