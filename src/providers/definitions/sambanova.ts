import type { ProviderDefinition } from './definition.js';

export const sambanova: ProviderDefinition = {
  id: 'sambanova',
  name: 'SambaNova Cloud',
  protocol: 'openai-chat',
  baseUrl: 'https://api.sambanova.ai/v1',
  auth: { kind: 'bearer' },
  env: ['SAMBANOVA_API_KEY'],
  endpoints: ['chat', 'embeddings'],
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['logit_bias', 'logprobs', 'top_logprobs', 'n', 'presence_penalty', 'frequency_penalty', 'min_p', 'repetition_penalty'] },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning', 'reasoning_content', 'think_tags'] },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: false,
  docs: 'https://docs.sambanova.ai/docs/en/features/openai-compatibility',
  evidence: [
    {
      fact: 'takes max_tokens, response_format, seed, stop, stream, temperature, top_p, top_k, tools and tool_choice',
      source: 'litellm llms/sambanova/chat.py (supported parameters)',
      date: '2026-11-21',
    },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
