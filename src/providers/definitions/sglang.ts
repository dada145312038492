import type { ProviderDefinition } from './definition.js';

/** An own server. */
export const sglang: ProviderDefinition = {
  id: 'sglang',
  name: 'SGLang',
  protocol: 'openai-chat',
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  anonymous: true,
  endpoints: ['chat', 'completions', 'embeddings', 'rerank'],
  request: [{ toolChoice: { allowed: 'narrow' } }, { omit: ['thinking_budget'] }, { roles: { developer: 'system' } }, { stripCacheControl: true }],
  response: { reasoningAt: ['reasoning_content', 'think_tags'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: true,
  docs: 'https://docs.sglang.ai/basic_usage/openai_api.html',
  evidence: [
    { fact: 'tool_choice allowed_tools is not known; no thinking budget', source: 'TensorZero providers/sglang', date: '2026-08-01' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
