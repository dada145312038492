import type { ProviderDefinition } from './definition.js';

export const deepseek: ProviderDefinition = {
  id: 'deepseek',
  name: 'DeepSeek',
  protocol: 'openai-chat',
  baseUrl: 'https://api.deepseek.com/v1',
  auth: { kind: 'bearer' },
  env: ['DEEPSEEK_API_KEY'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['seed', 'top_k', 'min_p', 'repetition_penalty', 'n', 'logit_bias'] },
    { effort: { none: { thinking: { type: 'disabled' } }, minimal: 'low' } },
    { responseFormat: 'json_object' },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning_content'], finishMap: { insufficient_system_resource: 'error' } },
  headerFacts: { requestId: 'x-ds-trace-id' },
  cancelStopsBilling: true,
  docs: 'https://api-docs.deepseek.com/api/create-chat-completion',
  evidence: [
    { fact: 'no seed, top_k, n, logit_bias; no json_schema', source: 'vercel/ai packages/deepseek; TensorZero providers', date: '2026-08-01' },
    {
      fact: 'low, medium and xhigh are taken and mean high and max; parallel_tool_calls is taken (200)',
      source: 'recorded traffic of deepseek-v4-flash',
      date: '2026-11-21',
    },
    { fact: 'thinking is switched off by thinking.type', source: 'https://api-docs.deepseek.com/guides/thinking_mode', date: '2026-06-25' },
    { fact: 'finish insufficient_system_resource is an interruption', source: 'https://api-docs.deepseek.com/api/create-chat-completion', date: '2026-08-01' },
  ],
};
