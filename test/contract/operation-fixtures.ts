import { OPERATIONS, type OperationKind, type WireId } from '../../src/core/operations/index.js';
import type { EndpointKind } from '../../src/providers/definitions/definition.js';

/** One operation in one wire: what a client asks, where it must arrive, what the upstream answers and what the client must get of it. */
export interface OperationFixture {
  asked: Record<string, unknown>;
  /** The end of the path that is called; `{model}` is the upstream model. */
  path: string;
  answer: unknown;
  /** Members of the client's answer. */
  reply: Record<string, unknown>;
  /** Prompt tokens the provider states; null when it states none. */
  prompt: number | null;
}

/** Operations that a definition's `endpoints` promise. Legacy completions are a protocol of chat. */
export const KINDS_OF_ENDPOINT: Readonly<Record<EndpointKind, readonly OperationKind[]>> = {
  chat: [],
  completions: [],
  embeddings: ['embeddings'],
  rerank: ['rerank'],
  moderations: ['moderations'],
  images: ['images', 'image-edits'],
  audio: ['speech', 'transcriptions'],
};

const EMBED = { model: 'public/name', input: 'Seoul' };
const VECTOR = { object: 'list', data: [{ object: 'embedding', index: 0, embedding: [0.5, -1] }] };
const RERANK = { model: 'public/name', query: 'sun', documents: ['rain', 'sunny'], top_n: 1 };
const RANKED = { object: 'list', results: [{ index: 1, relevance_score: 0.75 }] };
const USAGE = { prompt_tokens: 3, total_tokens: 3 };
const PICTURE = { created: 1, data: [{ b64_json: 'eA==' }] };

export const OPERATION_FIXTURES: Readonly<Record<OperationKind, Readonly<Partial<Record<WireId, OperationFixture>>>>> = {
  embeddings: {
    openai: { asked: EMBED, path: '/embeddings', answer: { ...VECTOR, model: 'up', usage: USAGE }, reply: VECTOR, prompt: 3 },
    voyage: { asked: EMBED, path: '/embeddings', answer: { ...VECTOR, model: 'up', usage: { total_tokens: 3 } }, reply: VECTOR, prompt: 3 },
    jina: { asked: EMBED, path: '/embeddings', answer: { ...VECTOR, model: 'up', usage: USAGE }, reply: VECTOR, prompt: 3 },
    gemini: { asked: EMBED, path: ':batchEmbedContents', answer: { embeddings: [{ values: [0.5, -1] }] }, reply: VECTOR, prompt: null },
    cohere: { asked: EMBED, path: '/v2/embed', answer: { id: 'e', embeddings: { float: [[0.5, -1]] }, texts: ['Seoul'], meta: { billed_units: { input_tokens: 3 } } }, reply: VECTOR, prompt: 3 },
    bedrock: { asked: EMBED, path: '/model/{model}/invoke', answer: { embedding: [0.5, -1], inputTextTokenCount: 3 }, reply: VECTOR, prompt: 3 },
  },
  rerank: {
    openai: { asked: RERANK, path: '/rerank', answer: { results: [{ index: 1, relevance_score: 0.75 }], usage: { total_tokens: 3 } }, reply: RANKED, prompt: 3 },
    jina: { asked: RERANK, path: '/rerank', answer: { results: [{ index: 1, relevance_score: 0.75 }], usage: { total_tokens: 3 } }, reply: RANKED, prompt: 3 },
    voyage: { asked: RERANK, path: '/rerank', answer: { object: 'list', data: [{ index: 1, relevance_score: 0.75 }], usage: { total_tokens: 3 } }, reply: RANKED, prompt: 3 },
    cohere: { asked: RERANK, path: '/v2/rerank', answer: { id: 'r', results: [{ index: 1, relevance_score: 0.75 }], meta: { billed_units: { search_units: 1 } } }, reply: RANKED, prompt: null },
    bedrock: { asked: RERANK, path: '/model/{model}/invoke', answer: { results: [{ index: 1, relevance_score: 0.75 }] }, reply: RANKED, prompt: null },
  },
  moderations: {
    openai: { asked: { model: 'public/name', input: 'I am kind.' }, path: '/moderations', answer: { id: 'm', model: 'up', results: [{ flagged: false, categories: {}, category_scores: {} }] }, reply: { results: [{ flagged: false, categories: {}, category_scores: {} }] }, prompt: null },
  },
  images: { openai: { asked: { model: 'public/name', prompt: 'A lighthouse' }, path: '/images/generations', answer: PICTURE, reply: PICTURE, prompt: null } },
  'image-edits': { openai: { asked: { model: 'public/name', prompt: 'Bluer', images: [{ image_url: 'https://example.com/a.png' }] }, path: '/images/edits', answer: PICTURE, reply: PICTURE, prompt: null } },
  speech: { openai: { asked: { model: 'public/name', input: 'Hello', voice: 'alloy' }, path: '/audio/speech', answer: { audio_data: 'UklGRg==' }, reply: {}, prompt: null } },
  transcriptions: { openai: { asked: { model: 'public/name' }, path: '/audio/transcriptions', answer: { text: 'Hello', usage: { type: 'duration', seconds: 1 } }, reply: { text: 'Hello' }, prompt: null } },
};

/** Wires that exist but have no fixture, and the other way round. */
export function unmatchedWires(): string[] {
  const names = (of: Readonly<Record<string, object>>): string[] => Object.entries(of).flatMap(([kind, wires]) => Object.keys(wires).map((wire) => `${kind}/${wire}`));
  const [real, written] = [names(Object.fromEntries(Object.entries(OPERATIONS).map(([kind, { wires }]) => [kind, wires]))), names(OPERATION_FIXTURES)];
  return [...real.filter((name) => !written.includes(name)), ...written.filter((name) => !real.includes(name))];
}
