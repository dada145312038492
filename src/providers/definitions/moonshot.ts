import type { ProviderDefinition } from './definition.js';

export const moonshot: ProviderDefinition = {
  id: 'moonshot',
  name: 'Moonshot AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.moonshot.ai/v1',
  auth: { kind: 'bearer' },
  env: ['MOONSHOT_API_KEY'],
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['seed', 'top_k', 'min_p', 'repetition_penalty', 'logit_bias'] },
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
    { anyOfTypes: true },
    { roles: { developer: 'system' } },
    { stripCacheControl: true },
  ],
  response: {
    usageSemantics: { promptIncludesCacheRead: true, promptIncludesCacheWrite: true, completionIncludesReasoning: true },
    reasoningAt: ['reasoning_content'],
  },
  headerFacts: { requestId: 'msh-request-id' },
  cancelStopsBilling: null,
  docs: 'https://platform.moonshot.ai/docs/api/chat',
  evidence: [
    { fact: 'temperature ranges from 0 to 1', source: 'https://docs.litellm.ai/docs/providers/moonshot', date: '2026-08-01' },
    {
      fact: 'no top_k, no seed; a schema with anyOf must have its type inside the alternatives; cached tokens stand in usage.cached_tokens',
      source: 'vercel/ai packages/moonshotai',
      date: '2026-08-01',
    },
    { fact: 'thinking is switched by thinking.type', source: 'models.dev providers/moonshotai/provider.toml', date: '2026-06-25' },
    { fact: 'cached_tokens and reasoning_tokens are part of prompt and completion', source: 'recorded traffic of api.moonshot.ai', date: '2026-11-21' },
  ],
};
