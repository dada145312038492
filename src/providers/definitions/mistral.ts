import type { ProviderDefinition } from './definition.js';

/** Everything its API knows: it answers 422 `extra_forbidden` to any other member, `stream_options` and `max_completion_tokens` included. */
const KNOWN = (
  'model messages stream temperature top_p max_tokens stop random_seed response_format tools tool_choice presence_penalty frequency_penalty ' +
  'n prediction parallel_tool_calls prompt_mode reasoning_effort safe_prompt metadata'
).split(' ');

export const mistral: ProviderDefinition = {
  id: 'mistral',
  name: 'Mistral AI',
  protocol: 'openai-chat',
  baseUrl: 'https://api.mistral.ai/v1',
  auth: { kind: 'bearer' },
  env: ['MISTRAL_API_KEY'],
  endpoints: ['chat', 'embeddings', 'audio', 'moderations'],
  modelFacts: { reasoningReplay: 'none' },
  request: [
    { rename: { max_completion_tokens: 'max_tokens', seed: 'random_seed' } },
    { toolChoice: { required: 'any' } },
    { only: KNOWN },
    { roles: { developer: 'system' } },
    { omitFromMessages: ['refusal', 'reasoning_content', 'reasoning', 'reasoning_details'] },
    { toolCallIds: { length: 9 } },
    { stripCacheControl: true },
  ],
  response: { reasoningAt: ['content_parts'], finishMap: { model_length: 'length', error: 'error' } },
  headerFacts: {
    requestId: 'mistral-correlation-id',
    remainingRequests: 'x-ratelimit-remaining-req-minute',
    remainingTokens: 'x-ratelimit-remaining-tokens-minute',
  },
  cancelStopsBilling: false,
  docs: 'https://docs.mistral.ai/api/#tag/chat',
  evidence: [
    { fact: 'sound under /audio: speech in JSON, transcriptions', source: 'recorded traffic of voxtral; https://docs.mistral.ai/capabilities/audio', date: '2026-11-29' },
    { fact: 'extra members are refused: stream_options', source: 'https://github.com/avante-corp/avante.nvim/issues/2347', date: '2025-06-27' },
    { fact: 'extra members are refused: max_completion_tokens', source: 'https://github.com/editor-code-assistant/eca/issues/231', date: '2025-12-12' },
    { fact: 'random_seed, tool_choice any, finish model_length, thinking as content parts', source: 'vercel/ai packages/mistral', date: '2026-08-01' },
    { fact: 'a tool named in tool_choice is taken as OpenAI writes it (200)', source: 'recorded traffic of mistral-small-latest', date: '2026-11-21' },
    { fact: 'tool call ids are nine letters or digits', source: 'https://github.com/mistralai/mistral-common (tool call id validation)', date: '2026-08-01' },
    { fact: 'cancelling does not stop billing', source: 'https://openrouter.ai/docs/api-reference/streaming', date: '2026-08-01' },
  ],
};
