import type { ProviderDefinition } from './definition.js';

/** Each account has its own address, so an instance gives its base_url; a key alone does not register it. */
export const cloudflare: ProviderDefinition = {
  id: 'cloudflare',
  name: 'Cloudflare Workers AI',
  protocol: 'openai-chat',
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  endpoints: ['chat', 'embeddings'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['logit_bias', 'n', 'min_p'] },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning_content', 'reasoning', 'think_tags'] },
  headerFacts: { requestId: 'cf-ray' },
  cancelStopsBilling: true,
  docs: 'https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/',
  evidence: [
    {
      fact: 'the address holds the account: https://api.cloudflare.com/client/v4/accounts/ACCOUNT/ai/v1',
      source: 'https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility',
      date: '2026-11-21',
    },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
