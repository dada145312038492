import type { ProviderDefinition } from './definition.js';

export const friendli: ProviderDefinition = {
  id: 'friendli',
  name: 'FriendliAI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.friendli.ai/serverless/v1',
  auth: { kind: 'bearer' },
  env: ['FRIENDLI_TOKEN'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    {
      effort: {
        none: { chat_template_kwargs: { enable_thinking: false } },
        minimal: { chat_template_kwargs: { enable_thinking: true } },
        low: { chat_template_kwargs: { enable_thinking: true } },
        medium: { chat_template_kwargs: { enable_thinking: true } },
        high: { chat_template_kwargs: { enable_thinking: true } },
        xhigh: { chat_template_kwargs: { enable_thinking: true } },
        max: { chat_template_kwargs: { enable_thinking: true } },
      },
    },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['reasoning_content', 'think_tags'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: true,
  docs: 'https://friendli.ai/docs/openapi/model-apis/chat-completions',
  evidence: [
    {
      fact: 'thinking is chat_template_kwargs.enable_thinking, without effort or budget; reasoning stands in reasoning_content',
      source: 'models.dev providers/friendli/provider.toml',
      date: '2026-06-25',
    },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
