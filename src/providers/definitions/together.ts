import type { ProviderDefinition } from './definition.js';

export const together: ProviderDefinition = {
  id: 'together',
  name: 'Together AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.together.xyz/v1',
  auth: { kind: 'bearer' },
  env: ['TOGETHER_API_KEY'],
  endpoints: ['chat', 'completions', 'embeddings', 'rerank', 'images'],
  modelFacts: { reasoningReplay: 'reasoning' },
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { roles: { developer: 'system' } },
    { effort: { none: { reasoning: { enabled: false } } } },
    { stripCacheControl: true },
  ],
  response: { usageSemantics: { promptIncludesCacheRead: true }, reasoningAt: ['reasoning', 'reasoning_content', 'think_tags'], finishMap: { eos: 'stop' } },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: true,
  docs: 'https://docs.together.ai/reference/chat-completions-1',
  evidence: [
    {
      fact: 'finish eos means stop; cached_tokens stand at the root of usage and are part of prompt_tokens; remaining quota in x-ratelimit-remaining and -tokens',
      source: 'recorded traffic of api.together.xyz',
      date: '2026-11-21',
    },
    {
      fact: 'reasoning is switched by reasoning.enabled, its depth is reasoning_effort',
      source: 'models.dev providers/together/provider.toml',
      date: '2026-06-25',
    },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
