import type { ProviderDefinition } from './definition.js';

export const openrouter: ProviderDefinition = {
  id: 'openrouter',
  name: 'OpenRouter',
  protocol: 'openai-chat',
  baseUrl: 'https://openrouter.ai/api/v1',
  auth: { kind: 'bearer' },
  env: ['OPENROUTER_API_KEY'],
  endpoints: ['chat', 'completions', 'embeddings', 'audio'],
  modelFacts: { reasoningReplay: 'reasoning_details' },
  request: [{ rename: { max_completion_tokens: 'max_tokens' } }],
  response: { reasoningAt: ['reasoning', 'reasoning_details', 'reasoning_content'] },
  headerFacts: { requestId: 'x-generation-id', remainingRequests: 'x-ratelimit-remaining' },
  cancelStopsBilling: null,
  docs: 'https://openrouter.ai/docs/api-reference/chat-completion',
  evidence: [
    { fact: 'speech under /audio/speech', source: 'recorded traffic of hexgrad/kokoro-82m', date: '2026-11-29' },
    { fact: 'reasoning stands in `reasoning` and `reasoning_details`; errors may come inside a 200', source: 'https://openrouter.ai/docs', date: '2026-08-01' },
    {
      fact: 'whether cancelling stops billing depends on the provider behind it',
      source: 'https://openrouter.ai/docs/api-reference/streaming',
      date: '2026-08-01',
    },
  ],
};
