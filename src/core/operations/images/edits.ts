import { estimateTokens } from '../../chat/estimate-tokens.js';
import { invalidRequest } from '../../errors/gateway-error.js';
import { Fields, kindOf, type JsonObject } from '../../json/index.js';
import { openaiEndpoint } from '../endpoint.js';
import { MultipartForm, renderMultipart, type FormPart } from '../multipart.js';
import type { Operation, OperationBounds, OperationRequest, OperationWire } from '../operation.js';
import { extraOf, jsonBody, modelsOf } from '../read-request.js';
import { MAX_IMAGES, parseImages, TOKENS_PER_IMAGE } from './answer.js';

/** OpenAI's own limit of images to start from (API reference of image edits, read 2026-11-29). */
const MAX_SOURCES = 16;

export interface ImageEditsRequest extends OperationRequest {
  /** As the client wrote it: members of JSON, or parts of a form, without the model. */
  body: { members: JsonObject } | { parts: readonly FormPart[] };
}

const openai: OperationWire<ImageEditsRequest> = {
  endpoint: ({ baseUrl }) => openaiEndpoint(baseUrl, '/images/edits'),
  render({ body }, { upstreamModel }) {
    if ('members' in body) return jsonBody({ ...body.members, model: upstreamModel });
    return { ...renderMultipart([{ name: 'model', bytes: Buffer.from(upstreamModel) }, ...body.parts]), report: [] };
  },
  parse: parseImages,
};

/** `POST /v1/images/edits`: a form with files, or JSON with `images`; what it is goes upstream the same way, whole and bounded. */
export const imageEdits: Operation<ImageEditsRequest> = { kind: 'image-edits', endpoint: 'images', reads: 'either', parse, wires: { openai } };

function parse(body: unknown): ImageEditsRequest {
  return body instanceof MultipartForm ? parseForm(body) : parseJson(body);
}

function parseForm(form: MultipartForm): ImageEditsRequest {
  const model = form.field('model', 256);
  if (model === undefined || model === '') throw invalidRequest('model', '`model` is missing.');
  const prompt = form.field('prompt', 32_768);
  if (prompt === undefined || prompt === '') throw invalidRequest('prompt', '`prompt` is missing.');
  if (form.field('stream') === 'true') throw streamed();
  const sources = form.parts.filter(({ name, fileName, bytes }) => (name === 'image' || name === 'image[]') && fileName !== undefined && bytes.length > 0).length;
  if (sources === 0) throw invalidRequest('image', '`image` is missing; send it as a file of the form, several as `image[]`.');
  const count = Number(form.field('n') ?? 1);
  return { model, body: { parts: form.parts.filter(({ name }) => name !== 'model') }, bounds: boundsOf({ prompt, sources, count }) };
}

function parseJson(body: unknown): ImageEditsRequest {
  const fields = Fields.of(body, '');
  const prompt = fields.requiredString('prompt');
  if (fields.boolean('stream') === true) throw streamed();
  const given = fields.object['images'] ?? fields.object['image'];
  if (given === undefined || given === null) throw invalidRequest('images', '`images` is missing; it must be a list of objects with `image_url` or `file_id`.');
  if (typeof given !== 'object' && typeof given !== 'string') throw invalidRequest('images', `\`images\` must be a list, but is ${kindOf(given)}.`);
  const sources = Array.isArray(given) ? given.length : 1;
  if (sources === 0) throw invalidRequest('images', '`images` must not be empty.');
  const count = fields.integer('n', { min: 1, max: MAX_IMAGES }) ?? 1;
  return { ...modelsOf(fields), body: { members: extraOf(fields.object, ['model', 'models']) }, bounds: boundsOf({ prompt, sources, count }) };
}

/** What is read counts as the prompt: an image at most as many tokens as one that is written. */
function boundsOf({ prompt, sources, count }: { prompt: string; sources: number; count: number }): OperationBounds {
  if (sources > MAX_SOURCES) throw invalidRequest('image', `${sources} images to start from; at most ${MAX_SOURCES} are accepted.`);
  if (!Number.isSafeInteger(count) || count < 1 || count > MAX_IMAGES) throw invalidRequest('n', `\`n\` must be a whole number from 1 to ${MAX_IMAGES}.`);
  const promptTokens = Math.ceil(estimateTokens(prompt)) + sources * TOKENS_PER_IMAGE;
  return { promptTokens, outputTokens: TOKENS_PER_IMAGE * count, imageOutput: true, units: { images: count } };
}

const streamed = () => invalidRequest('stream', '`stream` is not supported for images; leave it out.');
