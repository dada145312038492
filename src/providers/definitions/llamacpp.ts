import type { ProviderDefinition } from './definition.js';

/** An own server. */
export const llamacpp: ProviderDefinition = {
  id: 'llamacpp',
  name: 'llama.cpp server',
  protocol: 'openai-chat',
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  anonymous: true,
  endpoints: ['chat', 'completions', 'embeddings', 'rerank'],
  request: [{ toolChoice: { allowed: 'narrow' } }, { roles: { developer: 'system' } }, { stripCacheControl: true }],
  response: {
    usageSemantics: { promptIncludesCacheRead: true, promptIncludesCacheWrite: true, completionIncludesReasoning: true },
    reasoningAt: ['reasoning_content', 'think_tags'],
    errorMap: { exceed_context_size_error: 'context_length_exceeded' },
  },
  headerFacts: {},
  cancelStopsBilling: true,
  docs: 'https://github.com/ggml-org/llama.cpp/blob/master/tools/server/README.md',
  evidence: [
    {
      fact: 'a prompt that is too long is 400 exceed_context_size_error; what the server was not started for is 501 not_supported_error',
      source: 'recorded traffic of llama-server',
      date: '2026-11-21',
    },
    {
      fact: 'cached tokens are part of prompt_tokens and stand in prompt_tokens_details',
      source: 'https://github.com/ggml-org/llama.cpp/pull/19361',
      date: '2026-11-21',
    },
    { fact: 'reasoning is counted in completion_tokens only', source: 'https://github.com/ggml-org/llama.cpp/issues/27971', date: '2026-11-21' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
