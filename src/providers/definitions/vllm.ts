import type { ProviderDefinition } from './definition.js';

/** An own server. */
export const vllm: ProviderDefinition = {
  id: 'vllm',
  name: 'vLLM',
  protocol: 'openai-chat',
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  anonymous: true,
  endpoints: ['chat', 'completions', 'embeddings', 'rerank'],
  request: [{ toolChoice: { allowed: 'narrow' } }, { roles: { developer: 'system' } }, { stripCacheControl: true }],
  response: { reasoningAt: ['reasoning_content', 'reasoning'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: true,
  docs: 'https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html',
  evidence: [
    {
      fact: 'reasoning stands in reasoning_content or reasoning, depending on the version',
      source: 'https://docs.vllm.ai/en/latest/features/reasoning_outputs.html',
      date: '2026-08-01',
    },
    { fact: 'tool_choice allowed_tools is not known', source: 'TensorZero providers/vllm', date: '2026-08-01' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
