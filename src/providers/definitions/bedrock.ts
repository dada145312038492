import type { ProviderDefinition } from './definition.js';

export const bedrock: ProviderDefinition = {
  id: 'bedrock',
  name: 'Amazon Bedrock',
  protocol: 'bedrock-converse',
  baseUrl: 'https://bedrock-runtime.{region}.amazonaws.com',
  auth: { kind: 'aws', service: 'bedrock' },
  env: ['AWS_BEARER_TOKEN_BEDROCK'],
  credentialFields: [
    { name: 'access_key_id', secret: true, form: 'token', env: ['AWS_ACCESS_KEY_ID'] },
    { name: 'secret_access_key', secret: true, form: 'token', env: ['AWS_SECRET_ACCESS_KEY'] },
    { name: 'session_token', secret: true, form: 'token', env: ['AWS_SESSION_TOKEN'] },
    { name: 'region', secret: false, form: 'name', env: ['AWS_REGION', 'AWS_DEFAULT_REGION'], default: 'us-east-1' },
  ],
  endpoints: ['chat', 'embeddings', 'rerank'],
  credentialSets: [['key'], ['access_key_id', 'secret_access_key']],
  request: [],
  response: {},
  headerFacts: { requestId: 'x-amzn-requestid' },
  cancelStopsBilling: false,
  docs: 'https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html',
  evidence: [
    {
      fact: 'embeddings and rerank through InvokeModel',
      source: 'https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters.html',
      date: '2026-11-29',
    },
    {
      fact: 'a bearer key or SigV4 for the service "bedrock"',
      source: 'https://docs.aws.amazon.com/bedrock/latest/userguide/api-keys.html',
      date: '2026-11-21',
    },
    { fact: 'usage leaves out cache reads and writes', source: 'recorded traffic of Claude 3.7 on Bedrock', date: '2026-11-21' },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
