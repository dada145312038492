import type { ProviderDefinition } from './definition.js';

export const gemini: ProviderDefinition = {
  id: 'gemini',
  name: 'Google Gemini',
  protocol: 'gemini-generate',
  baseUrl: 'https://generativelanguage.googleapis.com',
  // A header and not `?key=`, so that the key never stands in a URL that somebody logs.
  auth: { kind: 'header', name: 'x-goog-api-key' },
  env: ['GEMINI_API_KEY'],
  endpoints: ['chat', 'embeddings'],
  request: [],
  response: {},
  headerFacts: {},
  cancelStopsBilling: false,
  docs: 'https://ai.google.dev/api/generate-content',
  evidence: [
    { fact: 'the key is taken from x-goog-api-key', source: 'https://ai.google.dev/gemini-api/docs/api-key', date: '2026-11-21' },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
