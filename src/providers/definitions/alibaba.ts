import type { ProviderDefinition } from './definition.js';

export const alibaba: ProviderDefinition = {
  id: 'alibaba',
  name: 'Alibaba Cloud Model Studio',
  protocol: 'openai-chat',
  baseUrl: 'https://dashscope-intl.aliyuncs.com/compatible-mode/v1',
  auth: { kind: 'bearer' },
  env: ['DASHSCOPE_API_KEY'],
  endpoints: ['chat', 'embeddings', 'rerank'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['frequency_penalty', 'logit_bias', 'min_p'] },
    {
      effort: {
        none: { enable_thinking: false },
        minimal: { enable_thinking: true, thinking_budget: 512 },
        low: { enable_thinking: true, thinking_budget: 1024 },
        medium: { enable_thinking: true, thinking_budget: 8192 },
        high: { enable_thinking: true, thinking_budget: 24576 },
        xhigh: { enable_thinking: true, thinking_budget: 38912 },
        max: { enable_thinking: true, thinking_budget: 38912 },
      },
    },
    { roles: { developer: 'system' } },
  ],
  response: {
    usageSemantics: { promptIncludesCacheRead: true, promptIncludesCacheWrite: true, completionIncludesReasoning: true },
    reasoningAt: ['reasoning_content'],
  },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: false,
  docs: 'https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference',
  evidence: [
    {
      fact: 'thinking is enable_thinking and thinking_budget at the top level; no frequency_penalty; prompt_tokens include cache reads and writes',
      source: 'vercel/ai packages/alibaba',
      date: '2026-08-01',
    },
    { fact: 'a cached prefix needs its own cache_control, so it passes', source: 'https://openrouter.ai/docs/features/prompt-caching', date: '2026-08-01' },
    {
      fact: 'reasoning stands in reasoning_content, reasoning_tokens are part of completion_tokens',
      source: 'recorded traffic of dashscope-intl.aliyuncs.com',
      date: '2026-11-21',
    },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
