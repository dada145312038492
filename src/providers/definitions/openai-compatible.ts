import type { ProviderDefinition } from './definition.js';

/** Anything that speaks the OpenAI chat API: vLLM, SGLang, llama.cpp, LiteLLM, another gateway. Nothing is adjusted. */
export const openaiCompatible: ProviderDefinition = {
  id: 'openai-compatible',
  name: 'OpenAI-compatible',
  protocol: 'openai-chat',
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  anonymous: true,
  endpoints: ['chat', 'completions', 'embeddings', 'rerank', 'images', 'audio', 'moderations'],
  request: [],
  response: { reasoningAt: ['reasoning_content', 'reasoning', 'reasoning_text', 'reasoning_details', 'content_parts'], usageAt: ['usage', 'x_groq'] },
  headerFacts: { requestId: 'x-request-id', remainingRequests: 'x-ratelimit-remaining-requests', remainingTokens: 'x-ratelimit-remaining-tokens' },
  cancelStopsBilling: null,
  docs: 'https://platform.openai.com/docs/api-reference/chat',
  evidence: [
    {
      fact: 'reasoning stands in reasoning_content or reasoning, depending on the vLLM version',
      source: 'https://docs.vllm.ai/en/latest/features/reasoning_outputs.html',
      date: '2026-08-01',
    },
  ],
};
