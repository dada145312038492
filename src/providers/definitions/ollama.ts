import type { ProviderDefinition } from './definition.js';

export const ollama: ProviderDefinition = {
  id: 'ollama',
  name: 'Ollama',
  protocol: 'ollama-chat',
  // A server of one's own; by itself it listens on port 11434.
  baseUrl: null,
  auth: { kind: 'bearer' },
  env: [],
  anonymous: true,
  request: [],
  response: {},
  headerFacts: {},
  cancelStopsBilling: null,
  docs: 'https://github.com/ollama/ollama/blob/main/docs/api.md',
  evidence: [
    { fact: 'a prompt beyond num_ctx is cut without a word', source: 'https://github.com/ollama/ollama/blob/main/docs/faq.mdx', date: '2026-11-21' },
    { fact: 'prompt_eval_count and eval_count, done_reason, thinking', source: 'recorded traffic of qwen3 and gemma3', date: '2026-11-21' },
  ],
};
