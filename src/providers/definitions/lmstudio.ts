import type { ProviderDefinition } from './definition.js';

/** A desktop server. */
export const lmstudio: ProviderDefinition = {
  id: 'lmstudio',
  name: 'LM Studio',
  protocol: 'openai-chat',
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  anonymous: true,
  endpoints: ['chat', 'completions', 'embeddings'],
  request: [{ toolChoice: { allowed: 'narrow' } }, { roles: { developer: 'system' } }, { stripCacheControl: true }],
  response: {
    usageSemantics: { promptIncludesCacheRead: true, promptIncludesCacheWrite: true, completionIncludesReasoning: true },
    reasoningAt: ['reasoning', 'reasoning_content', 'think_tags'],
  },
  headerFacts: {},
  cancelStopsBilling: true,
  docs: 'https://lmstudio.ai/docs/developer/openai-compat',
  evidence: [
    { fact: 'reasoning_tokens and cached_tokens are part of output and input', source: 'recorded traffic of LM Studio', date: '2026-11-21' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
