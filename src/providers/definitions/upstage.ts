import type { ProviderDefinition } from './definition.js';

export const upstage: ProviderDefinition = {
  id: 'upstage',
  name: 'Upstage',
  protocol: 'openai-chat',
  baseUrl: 'https://api.upstage.ai/v1',
  auth: { kind: 'bearer' },
  env: ['UPSTAGE_API_KEY'],
  endpoints: ['chat', 'embeddings'],
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['seed', 'n', 'logit_bias', 'logprobs', 'top_logprobs', 'top_k', 'min_p', 'repetition_penalty'] },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning', 'reasoning_content'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: null,
  docs: 'https://console.upstage.ai/api/chat',
  evidence: [
    {
      fact: "parameters of OpenAI's that it does not list are accepted and ignored, so they are dropped here, where it is reported",
      source: 'https://console.upstage.ai/api/responses',
      date: '2026-08-01',
    },
    { fact: 'reasoning stands in `reasoning`; efforts differ by model', source: 'models.dev providers/upstage/provider.toml', date: '2026-06-25' },
  ],
};
