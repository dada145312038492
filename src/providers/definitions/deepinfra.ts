import type { ProviderDefinition } from './definition.js';

export const deepinfra: ProviderDefinition = {
  id: 'deepinfra',
  name: 'DeepInfra',
  protocol: 'openai-chat',
  baseUrl: 'https://api.deepinfra.com/v1/openai',
  auth: { kind: 'bearer' },
  env: ['DEEPINFRA_API_KEY', 'DEEPINFRA_TOKEN'],
  endpoints: ['chat', 'completions', 'embeddings'],
  request: [{ rename: { max_completion_tokens: 'max_tokens' } }, { roles: { developer: 'system' } }, { stripCacheControl: true }],
  response: { reasoningAt: ['reasoning_content', 'reasoning'] },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: true,
  docs: 'https://deepinfra.com/docs/openai_api',
  evidence: [
    { fact: 'reasoning_effort from none to xhigh', source: 'models.dev providers/deepinfra/provider.toml', date: '2026-06-25' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
