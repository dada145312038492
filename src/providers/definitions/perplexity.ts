import type { ProviderDefinition } from './definition.js';

export const perplexity: ProviderDefinition = {
  id: 'perplexity',
  name: 'Perplexity',
  protocol: 'openai-chat',
  // With its path: without one, /v1 would be added.
  baseUrl: 'https://api.perplexity.ai/chat/completions',
  auth: { kind: 'bearer' },
  env: ['PERPLEXITY_API_KEY', 'PPLX_API_KEY'],
  endpoints: ['chat', 'embeddings'],
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['tools', 'tool_choice', 'parallel_tool_calls', 'seed', 'n', 'logit_bias', 'logprobs', 'top_logprobs', 'min_p', 'repetition_penalty'] },
    { roles: { developer: 'system' } },
    { mergeTurns: ['user', 'assistant'] },
    { stripCacheControl: true },
  ],
  response: { usageSemantics: { completionIncludesReasoning: false }, reasoningAt: ['reasoning_content', 'think_tags'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: false,
  docs: 'https://docs.perplexity.ai/api-reference/chat-completions-post',
  evidence: [
    {
      fact: 'the path of chat has no version, that of embeddings has; usage has search fees in cost.request_cost; errors are {error: {message, type, code}}',
      source: 'recorded traffic of api.perplexity.ai',
      date: '2026-11-21',
    },
    { fact: 'no tools; finish is stop or length; reasoning_tokens stand at the root of usage', source: 'vercel/ai packages/perplexity', date: '2026-08-01' },
    { fact: 'turns of user and assistant must alternate', source: 'vercel/ai packages/perplexity', date: '2026-08-01' },
    { fact: 'reasoning is counted and priced beside completion_tokens (sonar-deep-research)', source: 'models.dev, stored copy', date: '2026-07-02' },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
