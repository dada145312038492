import type { ProviderDefinition } from './definition.js';

export const huggingface: ProviderDefinition = {
  id: 'huggingface',
  name: 'Hugging Face Inference Providers',
  protocol: 'openai-chat',
  baseUrl: 'https://router.huggingface.co/v1',
  auth: { kind: 'bearer' },
  env: ['HF_TOKEN', 'HUGGINGFACE_API_KEY'],
  request: [{ rename: { max_completion_tokens: 'max_tokens' } }, { roles: { developer: 'system' } }, { stripCacheControl: true }],
  response: { reasoningAt: ['reasoning_content', 'reasoning', 'think_tags'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: false,
  docs: 'https://huggingface.co/docs/inference-providers',
  evidence: [
    {
      fact: 'the router sends a request on to one of several providers, so reasoning may stand in either field',
      source: 'https://docs.jambonz.org/guides/features/bring-your-own-llm/hugging-face',
      date: '2026-11-21',
    },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
