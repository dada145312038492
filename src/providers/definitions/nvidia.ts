import type { ProviderDefinition } from './definition.js';

export const nvidia: ProviderDefinition = {
  id: 'nvidia',
  name: 'NVIDIA NIM',
  protocol: 'openai-chat',
  baseUrl: 'https://integrate.api.nvidia.com/v1',
  auth: { kind: 'bearer' },
  env: ['NVIDIA_API_KEY'],
  endpoints: ['chat', 'completions', 'embeddings'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['logit_bias', 'top_k', 'min_p', 'repetition_penalty', 'prompt_cache_key', 'store', 'metadata', 'service_tier', 'verbosity'] },
    { roles: { developer: 'system' } },
    { omitFromMessages: ['reasoning', 'reasoning_details'] },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning_content'] },
  headerFacts: { requestId: 'nvcf-reqid' },
  cancelStopsBilling: null,
  docs: 'https://docs.api.nvidia.com/nim/reference/llm-apis',
  evidence: [
    {
      fact: 'no logit_bias, top_k, min_p or repetition_penalty: members it does not know are refused',
      source: 'litellm llms/nvidia_nim/chat.py (supported parameters)',
      date: '2026-11-21',
    },
    { fact: 'reasoning stands in reasoning_content', source: 'https://github.com/anomalyco/opencode/issues/13584', date: '2026-11-21' },
  ],
};
