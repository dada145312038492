import type { ProviderDefinition } from './definition.js';

export const anthropic: ProviderDefinition = {
  id: 'anthropic',
  name: 'Anthropic',
  protocol: 'anthropic-messages',
  baseUrl: 'https://api.anthropic.com',
  auth: { kind: 'header', name: 'x-api-key' },
  env: ['ANTHROPIC_API_KEY'],
  forwardHeaders: ['anthropic-beta'],
  request: [{ clamp: { temperature: { min: 0, max: 1 } } }],
  response: {},
  headerFacts: {
    requestId: 'request-id',
    remainingRequests: 'anthropic-ratelimit-requests-remaining',
    remainingTokens: 'anthropic-ratelimit-tokens-remaining',
  },
  cancelStopsBilling: true,
  docs: 'https://docs.claude.com/en/api/messages',
  evidence: [
    { fact: 'temperature ranges from 0 to 1', source: 'https://docs.claude.com/en/api/messages', date: '2026-11-21' },
    { fact: 'cancelling stops billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
