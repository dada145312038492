/** APIs whose recordings are asked for as chat (`corpus-replay.spec.ts`), and the protocol that their upstream speaks. */
export const CHAT_APIS = {
  'openai.chat': 'openai-chat',
  'anthropic.messages': 'anthropic-messages',
  'gemini.generateContent': 'gemini-generate',
  'bedrock.converse': 'bedrock-converse',
  'cohere.chat.v2': 'cohere-chat',
  'ollama.chat': 'ollama-chat',
  'openai.responses': 'openai-responses',
  'bedrock.invoke': 'bedrock-invoke',
} as const;

/** APIs whose recordings are operations (`corpus-operations.spec.ts`); the vectors among `bedrock.invoke` are, too. */
export const OPERATION_APIS = [
  'openai.embeddings',
  'gemini.batchEmbedContents',
  'cohere.embed.v1',
  'cohere.embed.v2',
  'openai.rerank',
  'cohere.rerank.v1',
  'cohere.rerank.v2',
  'bedrock.rerank',
  'openai.images.generations',
  'openai.images.edits',
  'openai.completions',
  'openai.audio.speech',
  'openai.audio.transcriptions',
  'bedrock.invoke',
] as const;

export const REPLAYED_APIS: readonly string[] = [...new Set([...Object.keys(CHAT_APIS), ...OPERATION_APIS])];

/** APIs of the recordings that the gateway does not serve, each with the reason. */
export const NOT_REPLAYED: Readonly<Record<string, string>> = {
  'anthropic.complete': 'Anthropic retired text completions with Claude 2; no model in the catalogue answers there, and Messages serves every other.',
  'cohere.chat.v1': 'Every model that still answers at /v1/chat answers at /v2/chat, which is served; two of the three recordings say so themselves.',
  'cohere.generate.v1': 'Cohere retired generate in 2025; Bedrock’s copy of its answer is read by bedrock-invoke.',
  'bedrock.guardrail': 'Judging a text without asking a model is no inference: it has no model, no tokens and no place in a route.',
  'gemini.cachedContents': 'A cache held at one provider under one account belongs to no route; implicit caching is served, counted and priced.',
  'gemini.countTokens': 'The client’s /v1/messages/count_tokens is answered by our own estimate: free, and the same for every deployment of a route.',
  'gemini.models': 'What a key may call is the gateway’s to say (/v1/models, from catalogue and configuration); providers’ lists are not asked.',
  'openai.models': 'As gemini.models: /v1/models is answered from catalogue and configuration, by policy.',
  'mistral.ocr': 'Reading documents into pages has no counterpart at another provider and no endpoint in the contract.',
};
