import { estimateTokens } from '../../chat/estimate-tokens.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, isObject, type JsonObject } from '../../json/index.js';
import { openaiEndpoint } from '../endpoint.js';
import type { Operation, OperationRequest, OperationWire } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { extraOf, jsonBody, modelsOf } from '../read-request.js';
import { jsonReply } from '../render-reply.js';

const MAX_INPUTS = 2_048;
const IMAGE_TOKENS = 1_100;

export interface ModerationsRequest extends OperationRequest {
  members: JsonObject;
}

const openai: OperationWire<ModerationsRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/moderations'),
  render: ({ members }, { upstreamModel }) => jsonBody({ ...members, model: upstreamModel }),
  parse(answer) {
    const body = jsonOf(answer);
    const results = objectsOf(body, 'results');
    return {
      usage: usageOf(body['usage']),
      images: 0,
      seconds: 0,
      render: ({ model, requestId }) => jsonReply({ id: typeof body['id'] === 'string' ? body['id'] : requestId, model, results }),
    };
  },
};

/** `POST /v1/moderations`: categories and scores pass on as the provider states them. */
export const moderations: Operation<ModerationsRequest> = { kind: 'moderations', endpoint: 'moderations', reads: 'json', parse, wires: { openai } };

function parse(body: unknown): ModerationsRequest {
  const fields = Fields.of(body, '');
  const input = fields.object['input'];
  const items = Array.isArray(input) ? (input as unknown[]) : [input];
  if (items.length > MAX_INPUTS) throw invalidRequest('input', `\`input\` has ${items.length} items; at most ${MAX_INPUTS} are accepted.`);
  if (items.length === 0 || !items.every(isInput)) throw invalidRequest('input', '`input` must be a text, a list of texts, or a list of text and image parts.');
  return {
    ...modelsOf(fields),
    members: extraOf(fields.object, ['model', 'models']),
    bounds: { promptTokens: Math.ceil(items.reduce<number>((sum, item) => sum + tokensIn(item), 0)), outputTokens: 0 },
  };
}

const isInput = (item: unknown): boolean => typeof item === 'string' || (isObject(item) && typeof item['type'] === 'string');

function tokensIn(item: unknown): number {
  if (typeof item === 'string') return estimateTokens(item);
  const text = (item as JsonObject)['text'];
  return typeof text === 'string' ? estimateTokens(text) : IMAGE_TOKENS;
}
