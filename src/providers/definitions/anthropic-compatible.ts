import type { ProviderDefinition } from './definition.js';

/** Anything that speaks the Anthropic Messages API (Z.AI, MiniMax, another gateway). Nothing is adjusted. */
export const anthropicCompatible: ProviderDefinition = {
  id: 'anthropic-compatible',
  name: 'Anthropic-compatible',
  protocol: 'anthropic-messages',
  baseUrl: null,
  auth: { kind: 'header', name: 'x-api-key' },
  env: [],
  anonymous: true,
  forwardHeaders: ['anthropic-beta'],
  request: [],
  response: {},
  headerFacts: { requestId: 'request-id' },
  cancelStopsBilling: null,
  docs: 'https://docs.claude.com/en/api/messages',
  evidence: [{ fact: 'the key is taken from x-api-key', source: 'https://docs.claude.com/en/api/overview', date: '2026-11-21' }],
};
