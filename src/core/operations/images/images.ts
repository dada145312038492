import { estimateTokens } from '../../chat/estimate-tokens.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, type JsonObject } from '../../json/index.js';
import { openaiEndpoint } from '../endpoint.js';
import type { Operation, OperationRequest, OperationWire } from '../operation.js';
import { extraOf, jsonBody, modelsOf } from '../read-request.js';
import { MAX_IMAGES, parseImages, TOKENS_PER_IMAGE } from './answer.js';

export interface ImagesRequest extends OperationRequest {
  members: JsonObject;
}

const openai: OperationWire<ImagesRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/images/generations'),
  render: ({ members }, { upstreamModel }) => jsonBody({ ...members, model: upstreamModel }),
  parse: parseImages,
};

/** `POST /v1/images/generations`. */
export const images: Operation<ImagesRequest> = { kind: 'images', endpoint: 'images', reads: 'json', parse, wires: { openai } };

function parse(body: unknown): ImagesRequest {
  const fields = Fields.of(body, '');
  const prompt = fields.requiredString('prompt');
  if (fields.boolean('stream') === true) throw invalidRequest('stream', '`stream` is not supported for images; leave it out.');
  const count = fields.integer('n', { min: 1, max: MAX_IMAGES }) ?? 1;
  return {
    ...modelsOf(fields),
    members: extraOf(fields.object, ['model', 'models']),
    bounds: { promptTokens: Math.ceil(estimateTokens(prompt)), outputTokens: TOKENS_PER_IMAGE * count, imageOutput: true, units: { images: count } },
  };
}
