import type { ProviderDefinition } from './definition.js';

export const groq: ProviderDefinition = {
  id: 'groq',
  name: 'Groq',
  protocol: 'openai-chat',
  baseUrl: 'https://api.groq.com/openai/v1',
  auth: { kind: 'bearer' },
  env: ['GROQ_API_KEY'],
  endpoints: ['chat', 'audio'],
  modelFacts: { reasoningReplay: 'reasoning' },
  request: [
    { rename: { max_tokens: 'max_completion_tokens' } },
    { omit: ['logit_bias', 'logprobs', 'top_logprobs', 'top_k', 'min_p', 'repetition_penalty'] },
    { omitFromMessages: ['name', 'reasoning_content', 'reasoning_details'] },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { usageAt: ['usage', 'x_groq'], reasoningAt: ['reasoning', 'reasoning_content'] },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: false,
  docs: 'https://console.groq.com/docs/openai',
  evidence: [
    {
      fact: 'logprobs, logit_bias, top_logprobs, messages[].name and n above 1 are answered with 400',
      source: 'https://console.groq.com/docs/openai',
      date: '2026-11-21',
    },
    { fact: 'stream usage stands in x_groq.usage, reasoning in `reasoning`', source: 'vercel/ai packages/groq', date: '2026-08-01' },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
