import type { ProviderDefinition } from './definition.js';

export const clova: ProviderDefinition = {
  id: 'clova',
  name: 'NAVER CLOVA Studio',
  protocol: 'openai-chat',
  baseUrl: 'https://clovastudio.stream.ntruss.com/v1/openai',
  auth: { kind: 'bearer' },
  env: ['CLOVA_STUDIO_API_KEY', 'CLOVASTUDIO_API_KEY'],
  endpoints: ['chat', 'embeddings'],
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { omit: ['logit_bias', 'logprobs', 'top_logprobs', 'n', 'presence_penalty', 'frequency_penalty', 'min_p'] },
    { clamp: { temperature: { min: 0, max: 1 } } },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['thinking_content', 'reasoning_content'] },
  headerFacts: { requestId: 'x-ncp-clovastudio-request-id' },
  cancelStopsBilling: null,
  docs: 'https://api.ncloud-docs.com/docs/en/clovastudio-openaicompatibility',
  evidence: [
    {
      fact: 'the compatible API has chat, embeddings and models, and takes snake_case',
      source: 'https://api.ncloud-docs.com/docs/en/clovastudio-openaicompatibility',
      date: '2026-11-21',
    },
    {
      fact: 'the thought of HCX-007 stands in message.thinking_content',
      source: 'https://guide.ncloud-docs.com/docs/en/clovastudio-troubleshoot-generation.md',
      date: '2026-11-21',
    },
    {
      fact: 'efforts none, low, medium, high; top_k, repetition penalty and seed; temperature up to 1',
      source: 'https://api.ncloud-docs.com/docs/en/clovastudio-chatcompletionsv3-thinking',
      date: '2026-11-21',
    },
  ],
};
