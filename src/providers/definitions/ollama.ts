import type { ProviderDefinition } from './definition.js';

export const ollama: ProviderDefinition = {
  id: 'ollama',
  name: 'Ollama',
  protocol: 'ollama-chat',
  baseUrl: 'http://127.0.0.1:11434',
  auth: { kind: 'bearer' },
  // A server of one's own: registered by a document, never by a variable.
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
