/** Wire formats of operations, by whose they are. */
export type WireId = 'openai' | 'gemini' | 'cohere' | 'voyage' | 'jina';

/** Definitions whose operations are written otherwise than their chat protocol says. */
const OF_DEFINITION: Readonly<Record<string, WireId>> = { voyage: 'voyage', jina: 'jina', cohere: 'cohere' };
const OF_PROTOCOL: Readonly<Record<string, WireId>> = { 'gemini-generate': 'gemini', 'cohere-chat': 'cohere' };

/** Which wire a deployment's operations are written in; OpenAI's where nothing else is known. */
export function wireIdOf(definition: string, protocol: string): WireId {
  return OF_DEFINITION[definition] ?? OF_PROTOCOL[protocol] ?? 'openai';
}
