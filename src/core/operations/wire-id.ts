/** Wire formats of operations, by whose they are. */
export type WireId = 'openai' | 'gemini' | 'cohere' | 'voyage' | 'jina' | 'bedrock';

/** Definitions whose operations are written otherwise than their chat protocol says. */
const OF_DEFINITION: Readonly<Record<string, WireId>> = { voyage: 'voyage', jina: 'jina', cohere: 'cohere' };
/** Ollama serves OpenAI's embeddings beside its own protocol. Anthropic has no operations. */
const OF_PROTOCOL: Readonly<Record<string, WireId>> = {
  'openai-chat': 'openai',
  'openai-responses': 'openai',
  'ollama-chat': 'openai',
  'gemini-generate': 'gemini',
  'cohere-chat': 'cohere',
  'bedrock-converse': 'bedrock',
  'bedrock-invoke': 'bedrock',
};

/** Which wire a deployment's operations are written in; null when it has none. */
export function findWireId(definition: string, protocol: string): WireId | null {
  return OF_DEFINITION[definition] ?? OF_PROTOCOL[protocol] ?? null;
}
