import type { ProviderDefinition } from './definition.js';

export const azureOpenai: ProviderDefinition = {
  id: 'azure-openai',
  name: 'Azure OpenAI',
  protocol: 'openai-chat',
  baseUrl: null,
  baseUrlEnv: ['AZURE_OPENAI_ENDPOINT'],
  // `https://{resource}.openai.azure.com` is the v1 API; with `?api-version=…` a deployment's own path, the model being its name.
  basePath: { plain: '/openai/v1', versioned: '/openai/deployments/{model}' },
  auth: { kind: 'header', name: 'api-key' },
  env: ['AZURE_OPENAI_API_KEY'],
  endpoints: ['chat', 'completions', 'embeddings'],
  request: [{ omit: ['top_k', 'min_p', 'repetition_penalty'] }, { stripCacheControl: true }],
  response: {},
  headerFacts: {
    requestId: 'apim-request-id',
    remainingRequests: 'x-ratelimit-remaining-requests',
    remainingTokens: 'x-ratelimit-remaining-tokens',
  },
  cancelStopsBilling: true,
  docs: 'https://learn.microsoft.com/azure/ai-foundry/openai/latest',
  evidence: [
    { fact: 'legacy completions of gpt-35-turbo', source: 'recorded traffic', date: '2026-11-29' },
    {
      fact: '/openai/v1 without api-version; deployment paths with one',
      source: 'https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle',
      date: '2026-11-21',
    },
    {
      fact: 'prompt_filter_results before the first choice; content_filter as 400 and inside 200',
      source: 'recorded traffic of gpt-4o deployments',
      date: '2026-11-21',
    },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
