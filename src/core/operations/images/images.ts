import { estimateTokens } from '../../chat/estimate-tokens.js';
import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { Fields, isObject, type JsonObject } from '../../json/index.js';
import { openaiEndpoint } from '../endpoint.js';
import type { Operation, OperationContext, OperationRequest, OperationWire } from '../operation.js';
import { jsonOf, objectsOf, usageOf } from '../read-answer.js';
import { extraOf, jsonBody, modelsOf } from '../read-request.js';
import { jsonReply } from '../render-reply.js';
import { renderUsage } from '../../protocols/openai-chat/usage.js';
import { invalidRequest } from '../../errors/gateway-error.js';

const MAX_IMAGES = 10;
/** The most that OpenAI's models write for one image (high quality, 1536 × 1024: 6,240 tokens; guide of image generation, read 2026-11-21). */
const TOKENS_PER_IMAGE = 6_300;

export interface ImagesRequest extends OperationRequest {
  members: JsonObject;
  count: number;
}

const openai: OperationWire<ImagesRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/images/generations'),
  render: ({ members }, { upstreamModel }) => jsonBody({ ...members, model: upstreamModel }),
  parse(answer, request) {
    const body = jsonOf(answer);
    const data = objectsOf(body, 'data');
    const usage = imageUsage(body['usage']);
    return { usage, estimate: estimateOf(request, data.length), images: data.length, seconds: 0, render: (context) => jsonReply(replyOf(body, data, context)) };
  },
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
    count,
    bounds: { promptTokens: Math.ceil(estimateTokens(prompt)), outputTokens: TOKENS_PER_IMAGE * count, imageOutput: true, units: { images: count } },
  };
}

/** What is generated is image tokens, unless the details say otherwise (`input_tokens`, `output_tokens` of gpt-image-1). */
function imageUsage(raw: unknown): Usage | undefined {
  const usage = usageOf(raw);
  if (usage === undefined || usage.image > 0 || (isObject(raw) && isObject(raw['output_tokens_details']))) return usage;
  return { ...usage, output: 0, image: usage.output };
}

function estimateOf({ bounds }: ImagesRequest, count: number): Usage {
  return { ...NO_USAGE, input: bounds.promptTokens, image: count * TOKENS_PER_IMAGE };
}

/** As it came, but for the provider's own figures of money. */
function replyOf(body: JsonObject, data: readonly JsonObject[], { createdS, summary }: OperationContext): JsonObject {
  const usage = renderUsage(summary);
  const { usage: _theirs, id: _id, model: _model, ...rest } = body;
  return {
    ...rest,
    created: typeof body['created'] === 'number' ? body['created'] : createdS,
    data,
    usage: { input_tokens: usage['prompt_tokens'], output_tokens: usage['completion_tokens'], total_tokens: usage['total_tokens'], ...moneyOf(usage) },
  };
}

function moneyOf(usage: JsonObject): JsonObject {
  return Object.fromEntries(['estimated', 'cost', 'cost_details'].flatMap((name) => (usage[name] === undefined ? [] : [[name, usage[name]]])));
}
