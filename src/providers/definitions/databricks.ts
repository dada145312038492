import type { ProviderDefinition } from './definition.js';

/** Each workspace has its own address, so an instance gives its base_url; a key alone does not register it. */
export const databricks: ProviderDefinition = {
  id: 'databricks',
  name: 'Databricks',
  protocol: 'openai-chat',
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  endpoints: ['chat', 'completions', 'embeddings'],
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { rename: { max_completion_tokens: 'max_tokens' } },
    { omit: ['logit_bias', 'seed', 'min_p', 'repetition_penalty', 'service_tier', 'store', 'metadata'] },
    { roles: { developer: 'system' } },
  ],
  response: { reasoningAt: ['reasoning_content', 'content_parts'] },
  headerFacts: { requestId: 'x-request-id' },
  cancelStopsBilling: null,
  docs: 'https://docs.databricks.com/aws/en/machine-learning/model-serving/score-foundation-models',
  evidence: [
    {
      fact: 'the address is the workspace: https://WORKSPACE/serving-endpoints; the model is the name of the endpoint',
      source: 'https://docs.databricks.com/machine-learning/model-serving/score-foundation-models.html',
      date: '2026-11-21',
    },
  ],
};
