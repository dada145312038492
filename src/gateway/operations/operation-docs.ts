import type { InferenceDocs } from '../api-docs.js';

const MODEL = { type: 'string', description: 'A model id, an alias, `provider/model` or `class:name`' };

export const COMPLETIONS: InferenceDocs = {
  summary: "OpenAI's legacy Completions",
  description: 'A model that has completions gets the request as it is; any chat model is asked with the prompt as one user message, if it is one text.',
  body: {
    type: 'object',
    required: ['model', 'prompt'],
    additionalProperties: true,
    properties: { model: MODEL, prompt: {}, max_tokens: { type: 'integer', minimum: 1 }, stream: { type: 'boolean', default: false } },
  },
  example: { model: 'sandbox/echo', prompt: 'Once upon a time' },
};

export const EMBEDDINGS: InferenceDocs = {
  summary: "OpenAI's Embeddings",
  description: 'Embedding models of every provider. `encoding_format` is honoured whatever the provider knows; at most 2,048 inputs.',
  body: {
    type: 'object',
    required: ['model', 'input'],
    additionalProperties: true,
    properties: {
      model: MODEL,
      input: { description: 'A text, a list of texts, a list of tokens, or a list of lists of tokens' },
      encoding_format: { type: 'string', enum: ['float', 'base64'] },
      dimensions: { type: 'integer', minimum: 1 },
      input_type: { type: 'string', description: '`search_document`, `search_query`, `classification`, `clustering`, where the provider knows it' },
    },
  },
  example: { model: 'sandbox/embed', input: ['Hello!', 'Goodbye!'] },
};

export const RERANK: InferenceDocs = {
  summary: 'Rerank',
  description: 'Orders documents by how well they answer a query: the shape that Cohere, Jina and Together share.',
  body: {
    type: 'object',
    required: ['model', 'query', 'documents'],
    additionalProperties: true,
    properties: {
      model: MODEL,
      query: { type: 'string' },
      documents: { type: 'array', items: {} },
      top_n: { type: 'integer', minimum: 1 },
      return_documents: { type: 'boolean', default: false },
    },
  },
  example: { model: 'sandbox/rerank', query: 'Which is about Seoul?', documents: ['Seoul is in Korea.', 'Tokyo is in Japan.'] },
};

export const MODERATIONS: InferenceDocs = {
  summary: "OpenAI's Moderations",
  description: 'Categories and scores as the provider states them.',
  body: { type: 'object', required: ['model', 'input'], additionalProperties: true, properties: { model: MODEL, input: {} } },
  example: { model: 'sandbox/moderation', input: 'I want to hurt somebody.' },
};

export const IMAGES: InferenceDocs = {
  summary: "OpenAI's Images: generations",
  description: 'At most 10 images; not streamed. A model without a price for images is refused as `unpriced`.',
  body: {
    type: 'object',
    required: ['model', 'prompt'],
    additionalProperties: true,
    properties: { model: MODEL, prompt: { type: 'string' }, n: { type: 'integer', minimum: 1, maximum: 10 }, size: { type: 'string' } },
  },
  example: { model: 'sandbox/image', prompt: 'A lighthouse at sunrise', n: 1 },
};

export const IMAGE_EDITS: InferenceDocs = {
  summary: "OpenAI's Images: edits",
  description:
    'Sent as `multipart/form-data` (`image`, or several as `image[]`, `mask`, `prompt`, `model`; at most 25 MB) or as JSON with `images`; either goes upstream as it came. Not streamed.',
  body: {
    type: 'object',
    required: ['model', 'prompt'],
    additionalProperties: true,
    properties: { model: MODEL, prompt: { type: 'string' }, images: { type: 'array', items: { type: 'object' } }, n: { type: 'integer', minimum: 1, maximum: 10 } },
  },
  example: { model: 'sandbox/image', prompt: 'Make the sky red', images: [{ image_url: 'data:image/png;base64,iVBORw0KGgo=' }] },
};

export const SPEECH: InferenceDocs = {
  summary: "OpenAI's Audio: speech",
  description: 'The answer is the sound, in `response_format`.',
  body: {
    type: 'object',
    required: ['model', 'input', 'voice'],
    additionalProperties: true,
    properties: { model: MODEL, input: { type: 'string' }, voice: {}, response_format: { type: 'string' }, speed: { type: 'number' } },
  },
  example: { model: 'sandbox/speech', input: 'Hello!', voice: 'alloy', response_format: 'wav' },
};

export const TRANSCRIPTIONS: InferenceDocs = {
  summary: "OpenAI's Audio: transcriptions",
  description: 'Sent as `multipart/form-data`: `file` (at most 25 MB), `model`, and whatever else the model takes. The file is kept in memory and nowhere else.',
  body: {
    type: 'object',
    required: ['model', 'file'],
    additionalProperties: true,
    properties: { model: MODEL, file: { type: 'string', format: 'binary' }, response_format: { type: 'string' }, language: { type: 'string' }, prompt: { type: 'string' } },
  },
  example: { model: 'sandbox/transcribe' },
};
