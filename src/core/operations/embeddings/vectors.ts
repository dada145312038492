import { UnreadableAnswer } from '../../protocols/protocol.js';
import { jsonReply, promptUsageReply } from '../render-reply.js';
import type { OperationContext, OperationReply, OperationResult } from '../operation.js';
import type { Usage } from '../../chat/usage.js';
import type { EmbeddingInput, EmbeddingsRequest } from './embeddings.js';
import { GatewayError } from '../../errors/gateway-error.js';

/** Numbers, or a base64 text exactly as the provider wrote it. */
export type Vector = number[] | string;

const FLOAT_BYTES = 4;

/** One vector per input, in the order of the inputs. Throws UnreadableAnswer when some are missing. */
export function resultOf(vectors: readonly Vector[], request: EmbeddingsRequest, usage: Usage | undefined): OperationResult {
  const { length } = request.inputs;
  if (vectors.length !== length) throw new UnreadableAnswer(`The provider answered ${vectors.length} vectors for ${length} inputs.`);
  return { usage, images: 0, seconds: 0, render: (context) => render(vectors, request, context) };
}

function render(vectors: readonly Vector[], request: EmbeddingsRequest, context: OperationContext): OperationReply {
  const data = vectors.map((vector, index) => ({ object: 'embedding', index, embedding: encodeAs(vector, request) }));
  return jsonReply({ object: 'list', data, model: context.model, usage: promptUsageReply(context) });
}

/** The form the client asked for, whichever the provider knows. */
function encodeAs(vector: Vector, { encodingFormat, dimensions }: EmbeddingsRequest): Vector {
  if (encodingFormat === 'base64' && typeof vector !== 'string') return Buffer.from(new Float32Array(vector).buffer).toString('base64');
  if (encodingFormat === 'float' && typeof vector === 'string') return decode(Buffer.from(vector, 'base64'), dimensions);
  return vector;
}

/** 32-bit floats, little endian; one byte per number where the count of dimensions says so (Perplexity's `base64_int8`, recorded 2026). */
function decode(bytes: Buffer, dimensions: number | undefined): number[] {
  const isInt8 = dimensions === undefined ? bytes.length % FLOAT_BYTES !== 0 : bytes.length === dimensions;
  if (isInt8) return Array.from(bytes, (_byte, at) => bytes.readInt8(at));
  return Array.from({ length: Math.floor(bytes.length / FLOAT_BYTES) }, (_item, at) => bytes.readFloatLE(at * FLOAT_BYTES));
}

/** Reads what a provider calls an embedding. Throws UnreadableAnswer. */
export function vectorOf(value: unknown): Vector {
  if (typeof value === 'string' && value !== '') return value;
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')) return value as number[];
  throw new UnreadableAnswer('The provider’s answer has an embedding that is neither numbers nor base64.');
}

/** Texts alone: token numbers mean something to the tokenizer of OpenAI's family only. Throws 400 `unsupported_parameter`. */
export function textsOf(inputs: readonly EmbeddingInput[]): string[] {
  return inputs.map((input) => {
    if (typeof input === 'string') return input;
    throw new GatewayError('unsupported_parameter', 'This model takes texts; `input` holds token numbers.', { param: 'input' });
  });
}
