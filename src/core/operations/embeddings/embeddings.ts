import { estimateTokens } from '../../chat/estimate-tokens.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, type JsonObject, kindOf } from '../../json/index.js';
import type { Operation, OperationRequest } from '../operation.js';
import { extraOf, modelsOf } from '../read-request.js';
import { bedrockEmbeddings } from './bedrock.js';
import { cohereEmbeddings } from './cohere.js';
import { geminiEmbeddings } from './gemini.js';
import { jinaEmbeddings } from './jina.js';
import { openaiEmbeddings } from './openai.js';
import { voyageEmbeddings } from './voyage.js';

/** OpenAI's own limit of inputs (API reference of embeddings, read 2026-11-21). */
export const MAX_INPUTS = 2_048;
const MAX_TOKENS_PER_INPUT = 100_000;
const KNOWN = ['model', 'models', 'input', 'encoding_format', 'dimensions', 'user', 'input_type'];

/** A text, or a text as the model's own token numbers. */
export type EmbeddingInput = string | number[];

export interface EmbeddingsRequest extends OperationRequest {
  inputs: EmbeddingInput[];
  /** The client gave one input and no list. */
  single: boolean;
  /** Undefined: the client did not say, so that what the provider sends is passed on as it is. */
  encodingFormat?: 'float' | 'base64';
  dimensions?: number;
  user?: string;
  /** What the vectors are for, in Cohere's words; Gemini, Voyage and Jina have their own. */
  inputType?: string;
  extra: JsonObject;
}

/** `POST /v1/embeddings`. */
export const embeddings: Operation<EmbeddingsRequest> = {
  kind: 'embeddings',
  endpoint: 'embeddings',
  reads: 'json',
  parse,
  wires: { openai: openaiEmbeddings, gemini: geminiEmbeddings, cohere: cohereEmbeddings, voyage: voyageEmbeddings, jina: jinaEmbeddings, bedrock: bedrockEmbeddings },
};

function parse(body: unknown): EmbeddingsRequest {
  const fields = Fields.of(body, '');
  const inputs = inputsOf(fields);
  return {
    ...modelsOf(fields),
    inputs: inputs.list,
    single: inputs.single,
    encodingFormat: fields.oneOf('encoding_format', ['float', 'base64']),
    dimensions: fields.integer('dimensions', { min: 1, max: 65_536 }),
    user: fields.string('user'),
    inputType: fields.string('input_type'),
    extra: extraOf(fields.object, KNOWN),
    bounds: { promptTokens: Math.ceil(inputs.list.reduce((sum, input) => sum + tokensIn(input), 0)), outputTokens: 0 },
  };
}

const tokensIn = (input: EmbeddingInput): number => (typeof input === 'string' ? estimateTokens(input) : input.length);

function inputsOf(fields: Fields): { list: EmbeddingInput[]; single: boolean } {
  const value = fields.object['input'];
  if (typeof value === 'string') return { list: [checked(value, 'input')], single: true };
  const items = fields.array('input', Number.POSITIVE_INFINITY);
  if (items === undefined) throw invalidRequest('input', '`input` is missing; it must be a text, a list of texts, or tokens.');
  if (items.length === 0) throw invalidRequest('input', '`input` must not be empty.');
  if (typeof items[0] === 'number') return { list: [checked(items, 'input')], single: true };
  if (items.length > MAX_INPUTS) throw invalidRequest('input', `\`input\` has ${items.length} items; at most ${MAX_INPUTS} are accepted.`);
  return { list: items.map((item, at) => checked(item, `input[${at}]`)), single: false };
}

function checked(item: unknown, path: string): EmbeddingInput {
  if (typeof item === 'string' && item !== '') return item;
  if (item === '') throw invalidRequest(path, `\`${path}\` must not be an empty text.`);
  if (!Array.isArray(item) || item.length === 0) throw invalidRequest(path, `\`${path}\` must be a text or a list of tokens, but is ${kindOf(item)}.`);
  if (item.length > MAX_TOKENS_PER_INPUT) throw invalidRequest(path, `\`${path}\` has ${item.length} tokens; at most ${MAX_TOKENS_PER_INPUT} are accepted.`);
  if (!item.every((token) => Number.isSafeInteger(token) && token >= 0)) throw invalidRequest(path, `\`${path}\` must hold token numbers.`);
  return item as number[];
}
