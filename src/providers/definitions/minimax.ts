import type { ProviderDefinition } from './definition.js';

export const minimax: ProviderDefinition = {
  id: 'minimax',
  name: 'MiniMax',
  protocol: 'openai-chat',
  baseUrl: 'https://api.minimax.io/v1',
  auth: { kind: 'bearer' },
  env: ['MINIMAX_API_KEY'],
  modelFacts: { reasoningReplay: 'reasoning_details' },
  request: [
    { rename: { max_tokens: 'max_completion_tokens' } },
    { omit: ['logit_bias', 'n', 'top_k', 'min_p', 'repetition_penalty'] },
    {
      effort: {
        none: { thinking: { type: 'disabled' } },
        minimal: { thinking: { type: 'adaptive' } },
        low: { thinking: { type: 'adaptive' } },
        medium: { thinking: { type: 'adaptive' } },
        high: { thinking: { type: 'adaptive' } },
        xhigh: { thinking: { type: 'adaptive' } },
        max: { thinking: { type: 'adaptive' } },
      },
    },
    { clamp: { temperature: { min: 0.01, max: 1 } } },
    { default: { reasoning_split: true } },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { usageSemantics: { promptIncludesCacheRead: true }, reasoningAt: ['reasoning_details', 'reasoning_content', 'think_tags'] },
  headerFacts: { requestId: 'trace-id' },
  cancelStopsBilling: false,
  docs: 'https://platform.minimax.io/docs/api-reference/text-openai-api',
  evidence: [
    {
      fact: 'thought stands inside the text unless reasoning_split is sent; then in reasoning_details',
      source: 'https://docs.litellm.ai/docs/providers/minimax',
      date: '2026-08-01',
    },
    { fact: 'temperature from 0 to 1, n is 1', source: 'https://docs.camel-ai.org/reference/camel.configs.minimax_config', date: '2026-11-21' },
    {
      fact: 'max_tokens is deprecated for max_completion_tokens; thinking is disabled or adaptive, and M2 models think always',
      source: 'https://java.agentscope.io/v2/en/integration/model/minimax',
      date: '2026-11-21',
    },
    {
      fact: 'errors have their status as text in http_code, which need not be that of the answer',
      source: 'https://github.com/BerriAI/litellm/issues/38318',
      date: '2026-08-01',
    },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
