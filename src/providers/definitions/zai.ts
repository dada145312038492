import type { ProviderDefinition } from './definition.js';

export const zai: ProviderDefinition = {
  id: 'zai',
  name: 'Z.AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.z.ai/api/paas/v4',
  auth: { kind: 'bearer' },
  env: ['ZAI_API_KEY'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    {
      omit: [
        'presence_penalty',
        'frequency_penalty',
        'logit_bias',
        'logprobs',
        'top_logprobs',
        'seed',
        'n',
        'top_k',
        'min_p',
        'repetition_penalty',
        'parallel_tool_calls',
      ],
    },
    { clamp: { temperature: { min: 0, max: 1 } } },
    {
      effort: {
        none: { thinking: { type: 'disabled' } },
        minimal: { thinking: { type: 'enabled' } },
        low: { thinking: { type: 'enabled' } },
        medium: { thinking: { type: 'enabled' } },
        high: { thinking: { type: 'enabled' } },
        xhigh: { thinking: { type: 'enabled' } },
        max: { thinking: { type: 'enabled' } },
      },
    },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: {
    usageSemantics: { promptIncludesCacheRead: true, promptIncludesCacheWrite: true, completionIncludesReasoning: true },
    reasoningAt: ['reasoning_content'],
    finishMap: { sensitive: 'content_filter', network_error: 'error' },
    errorMap: {
      '1301': 'content_policy_violation',
      '1302': 'upstream_rate_limited',
      '1303': 'upstream_rate_limited',
      '1305': 'upstream_rate_limited',
      '1261': 'context_length_exceeded',
      '1113': 'upstream_auth_failed',
    },
  },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: null,
  docs: 'https://docs.z.ai/api-reference/llm/chat-completion',
  evidence: [
    { fact: 'the path ends in v4; thinking.type is enabled by default', source: 'models.dev providers/zai/provider.toml', date: '2026-06-25' },
    {
      fact: 'sampling is do_sample, temperature (up to 1) and top_p; it has no penalties, n, seed, logprobs or logit_bias',
      source: 'https://docs.z.ai/guides/overview/concept-param',
      date: '2026-11-21',
    },
    {
      fact: '1301 is content, 1302, 1303 and 1305 are limits, 1113 is an empty balance, 1261 a prompt too long',
      source: 'https://docs.bigmodel.cn/cn/api/api-code',
      date: '2026-11-21',
    },
  ],
};
