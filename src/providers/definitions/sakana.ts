import type { ProviderDefinition } from './definition.js';

export const sakana: ProviderDefinition = {
  id: 'sakana',
  name: 'Sakana AI',
  protocol: 'openai-responses',
  baseUrl: 'https://api.sakana.ai/v1',
  auth: { kind: 'bearer' },
  env: ['SAKANA_API_KEY'],
  request: [{ omit: ['prompt_cache_key'] }, { stripCacheControl: true }],
  response: {},
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: null,
  docs: 'https://api.sakana.ai',
  evidence: [
    { fact: 'its API is the Responses API; efforts are high and xhigh', source: 'models.dev providers/sakana/provider.toml', date: '2026-06-25' },
    { fact: 'prompt_cache_key is refused', source: 'provider notes of other gateways', date: '2026-08-01' },
  ],
};
