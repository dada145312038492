import type { ProviderDefinition } from './definition.js';

export const plamo: ProviderDefinition = {
  id: 'plamo',
  name: 'PLaMo (Preferred Networks)',
  protocol: 'openai-chat',
  baseUrl: 'https://api.platform.preferredai.jp/v1',
  auth: { kind: 'bearer' },
  env: ['PLAMO_API_KEY'],
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['logprobs', 'top_logprobs', 'logit_bias', 'top_k', 'min_p', 'repetition_penalty'] },
    { clamp: { n: { min: 1, max: 2 } } },
    { effort: { minimal: 'medium', low: 'medium', high: 'medium', xhigh: 'medium', max: 'medium' } },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning_content', 'reasoning'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: null,
  docs: 'https://docs.plamo.preferredai.jp/en/api',
  evidence: [
    {
      fact: 'n is at most 2; logprobs are not supported; efforts are none and medium; reasoning stands in reasoning_content or reasoning',
      source: 'https://docs.plamo.preferredai.jp/en/api',
      date: '2026-08-01',
    },
  ],
};
