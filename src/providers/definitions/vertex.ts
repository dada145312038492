import type { ProviderDefinition } from './definition.js';

const PLACE = '/v1[/projects/{project}/locations/{location}]/publishers';

export const vertex: ProviderDefinition = {
  id: 'vertex',
  name: 'Google Vertex AI',
  protocol: 'gemini-generate',
  baseUrl: 'https://{location-}aiplatform.googleapis.com',
  auth: { kind: 'google', name: 'x-goog-api-key', scope: 'https://www.googleapis.com/auth/cloud-platform' },
  env: ['GOOGLE_VERTEX_API_KEY'],
  credentialFields: [
    { name: 'service_account', secret: true, form: 'json', env: [] },
    { name: 'project', secret: false, form: 'name', env: ['GOOGLE_VERTEX_PROJECT', 'GOOGLE_CLOUD_PROJECT'] },
    { name: 'location', secret: false, form: 'name', env: ['GOOGLE_VERTEX_LOCATION', 'GOOGLE_CLOUD_LOCATION'], default: 'global' },
  ],
  credentialSets: [['key'], ['service_account']],
  paths: {
    'gemini-generate': {
      whole: `${PLACE}/google/models/{model}:generateContent`,
      stream: `${PLACE}/google/models/{model}:streamGenerateContent?alt=sse`,
    },
    'anthropic-messages': { whole: `${PLACE}/anthropic/models/{model}:rawPredict`, stream: `${PLACE}/anthropic/models/{model}:streamRawPredict` },
  },
  // The model stands in the path, the version in the body.
  variants: [
    {
      protocol: 'anthropic-messages',
      models: ['claude-'],
      request: [{ omit: ['model'] }, { default: { anthropic_version: 'vertex-2023-10-16' } }, { clamp: { temperature: { min: 0, max: 1 } } }],
      response: {},
    },
  ],
  forwardHeaders: ['anthropic-beta'],
  request: [],
  response: {},
  headerFacts: {},
  cancelStopsBilling: false,
  docs: 'https://docs.cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference',
  evidence: [
    {
      fact: 'global and regional endpoints; keys without a project (express mode)',
      source: 'https://docs.cloud.google.com/vertex-ai/generative-ai/docs/learn/locations',
      date: '2026-11-21',
    },
    { fact: 'Claude: rawPredict, anthropic_version in the body, no model', source: 'https://docs.claude.com/en/api/claude-on-vertex-ai', date: '2026-11-21' },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
