import { applyDecorators } from '@nestjs/common';
import { ApiBearerAuth, ApiBody, ApiOperation, ApiResponse, ApiTags } from '@nestjs/swagger';

const ERROR = { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } };

export interface InferenceDocs {
  summary: string;
  description: string;
  body: Record<string, unknown>;
  example: Record<string, unknown>;
}

/** How an inference endpoint stands in the API reference. Its body is read by its protocol, not by Nest. */
export function DescribeInference({ summary, description, body, example }: InferenceDocs): MethodDecorator {
  return applyDecorators(
    ApiTags('inference'),
    ApiBearerAuth('key'),
    ApiOperation({ summary, description }),
    ApiBody({ schema: { ...body, example } }),
    ApiResponse({ status: 200, description: 'The answer: JSON, or an event stream when `stream` is true' }),
    ...[400, 401, 402, 403, 404, 413, 415, 429, 502, 503, 504].map((status) => ApiResponse({ status, description: 'See `error.code`', content: ERROR })),
  );
}

/** How the customer's other calls stand in the API reference. */
export function DescribeCustomerCall(summary: string): MethodDecorator {
  return applyDecorators(
    ApiTags('customer'),
    ApiBearerAuth('key'),
    ApiOperation({ summary }),
    ApiResponse({ status: 401, description: 'See `error.code`', content: ERROR }),
  );
}

const MESSAGE = { type: 'object', required: ['role', 'content'], properties: { role: { type: 'string' }, content: {} }, additionalProperties: true };

export const CHAT_COMPLETIONS: InferenceDocs = {
  summary: "OpenAI's Chat Completions",
  description:
    'Every chat model of every provider. What was done to a parameter that the model does not take is in `x-og-params`; under `x-og-strict: true` it is refused. ' +
    'After the first byte of a stream an error is a `data:` line with `error`, never followed by `[DONE]`.',
  body: {
    type: 'object',
    required: ['model', 'messages'],
    additionalProperties: true,
    properties: {
      model: { type: 'string', description: 'A model id, an alias, `provider/model` or `class:name`' },
      models: { type: 'array', items: { type: 'string' }, description: 'Models to fall back to, in order' },
      messages: { type: 'array', items: MESSAGE },
      stream: { type: 'boolean', default: false },
      stream_options: { type: 'object', properties: { include_usage: { type: 'boolean' } } },
      max_tokens: { type: 'integer', minimum: 1 },
      max_completion_tokens: { type: 'integer', minimum: 1 },
      temperature: { type: 'number' },
      tools: { type: 'array', items: { type: 'object', additionalProperties: true } },
      response_format: { type: 'object', additionalProperties: true },
      reasoning_effort: { type: 'string' },
    },
  },
  example: { model: 'sandbox/echo', messages: [{ role: 'user', content: 'Hello!' }] },
};

export const MESSAGES: InferenceDocs = {
  summary: "Anthropic's Messages",
  description: "The same models for Anthropic's clients, with Anthropic's events and error envelope.",
  body: {
    type: 'object',
    required: ['model', 'max_tokens', 'messages'],
    additionalProperties: true,
    properties: {
      model: { type: 'string' },
      max_tokens: { type: 'integer', minimum: 1 },
      messages: { type: 'array', items: MESSAGE },
      system: {},
      stream: { type: 'boolean', default: false },
      tools: { type: 'array', items: { type: 'object', additionalProperties: true } },
      thinking: { type: 'object', additionalProperties: true },
    },
  },
  example: { model: 'sandbox/echo', max_tokens: 100, messages: [{ role: 'user', content: 'Hello!' }] },
};

export const RESPONSES: InferenceDocs = {
  summary: "OpenAI's Responses",
  description:
    'The same models with items instead of messages. `store` and `previous_response_id` need a key whose policy is `store: full`; for others `store: true` is ' +
    'reported as dropped. A stream always ends with `response.completed`, `response.incomplete` or `response.failed`.',
  body: {
    type: 'object',
    required: ['model'],
    additionalProperties: true,
    properties: {
      model: { type: 'string' },
      input: {},
      instructions: { type: 'string' },
      previous_response_id: { type: 'string' },
      stream: { type: 'boolean', default: false },
      store: { type: 'boolean' },
      max_output_tokens: { type: 'integer', minimum: 1 },
      tools: { type: 'array', items: { type: 'object', additionalProperties: true } },
      text: { type: 'object', additionalProperties: true },
      reasoning: { type: 'object', additionalProperties: true },
    },
  },
  example: { model: 'sandbox/echo', input: 'Hello!' },
};
