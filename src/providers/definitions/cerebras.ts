import type { ProviderDefinition } from './definition.js';

export const cerebras: ProviderDefinition = {
  id: 'cerebras',
  name: 'Cerebras',
  protocol: 'openai-chat',
  baseUrl: 'https://api.cerebras.ai/v1',
  auth: { kind: 'bearer' },
  env: ['CEREBRAS_API_KEY'],
  modelFacts: { reasoningReplay: 'reasoning' },
  request: [
    { rename: { max_tokens: 'max_completion_tokens' } },
    {
      omit: ['frequency_penalty', 'presence_penalty', 'logit_bias', 'service_tier', 'prompt_cache_key', 'verbosity', 'top_k', 'min_p', 'repetition_penalty'],
    },
    { roles: { developer: 'system' } },
    { omitFromMessages: ['reasoning_content', 'reasoning_details'] },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning', 'reasoning_content'] },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests-day', remainingTokens: 'x-ratelimit-remaining-tokens-minute' },
  cancelStopsBilling: null,
  docs: 'https://inference-docs.cerebras.ai/resources/openai',
  evidence: [
    {
      fact: 'frequency_penalty, presence_penalty, logit_bias and service_tier are answered with 400',
      source: 'https://hexdocs.pm/req_llm/cerebras.html',
      date: '2026-11-21',
    },
    { fact: 'the role developer is not taken', source: 'https://inference-docs.cerebras.ai/resources/openai', date: '2026-11-21' },
    { fact: 'max_completion_tokens', source: 'vercel/ai packages/cerebras', date: '2026-08-01' },
    { fact: 'prompt_cache_key and verbosity are not taken', source: 'https://docs.getbifrost.ai/providers/supported-providers/cerebras', date: '2026-11-21' },
    { fact: 'errors are flat: {message, type, param, code}', source: 'recorded traffic of api.cerebras.ai', date: '2026-11-21' },
  ],
};
