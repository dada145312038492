import { estimateTokens } from '../../chat/estimate-tokens.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, isObject, type JsonObject, kindOf } from '../../json/index.js';
import type { Operation, OperationRequest } from '../operation.js';
import { extraOf, modelsOf } from '../read-request.js';
import { bedrockRerank } from './bedrock.js';
import { cohereRerank } from './cohere.js';
import { openaiRerank } from './openai.js';
import { voyageRerank } from './voyage.js';

/** What the widest of them takes (Cohere 1,000; Voyage 1,000; Jina 2,048). */
const MAX_DOCUMENTS = 2_048;
/** Cohere's unit of billing: one query over up to so many documents (docs.cohere.com, read 2026-11-21). */
const DOCUMENTS_PER_SEARCH = 100;
const KNOWN = ['model', 'models', 'query', 'documents', 'top_n', 'top_k', 'return_documents'];

export interface RerankRequest extends OperationRequest {
  query: string;
  /** As the client wrote them: texts, or objects with `text`. */
  documents: (string | JsonObject)[];
  texts: string[];
  topN?: number;
  returnDocuments: boolean;
  extra: JsonObject;
}

/** `POST /v1/rerank`, in the shape that Cohere, Jina, Together and llama.cpp share. */
export const rerank: Operation<RerankRequest> = {
  kind: 'rerank',
  endpoint: 'rerank',
  reads: 'json',
  parse,
  wires: { openai: openaiRerank, jina: openaiRerank, cohere: cohereRerank, voyage: voyageRerank, bedrock: bedrockRerank },
};

function parse(body: unknown): RerankRequest {
  const fields = Fields.of(body, '');
  const query = fields.requiredString('query');
  const documents = documentsOf(fields);
  const texts = documents.map((document) => (typeof document === 'string' ? document : String(document['text'])));
  // Every document is read together with the query.
  const promptTokens = texts.reduce((sum, text) => sum + estimateTokens(text), estimateTokens(query) * texts.length);
  return {
    ...modelsOf(fields),
    query,
    documents,
    texts,
    topN: fields.integer('top_n', { min: 1, max: 1_000_000 }) ?? fields.integer('top_k', { min: 1, max: 1_000_000 }),
    returnDocuments: fields.boolean('return_documents') ?? false,
    extra: extraOf(fields.object, KNOWN),
    bounds: { promptTokens: Math.ceil(promptTokens), outputTokens: 0, units: { requests: Math.ceil(texts.length / DOCUMENTS_PER_SEARCH) } },
  };
}

function documentsOf(fields: Fields): (string | JsonObject)[] {
  const items = fields.array('documents', MAX_DOCUMENTS);
  if (items === undefined || items.length === 0) throw invalidRequest('documents', '`documents` must be a list of at least one text.');
  return items.map((item, at) => {
    if (typeof item === 'string') return item;
    if (isObject(item) && typeof item['text'] === 'string') return item;
    throw invalidRequest(`documents[${at}]`, `\`documents[${at}]\` must be a text, or an object with \`text\`, but is ${kindOf(item)}.`);
  });
}
