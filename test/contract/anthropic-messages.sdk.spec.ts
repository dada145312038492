import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import Anthropic from '@anthropic-ai/sdk';
import type { ChatEvent } from '../../src/core/chat/event.js';
import { NO_USAGE, type Usage } from '../../src/core/chat/usage.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { anthropicMessages } from '../../src/core/protocols/anthropic-messages/index.js';
import type { RenderContext } from '../../src/core/protocols/protocol.js';

/** Anthropic's own client reads what we render, over a real socket: an oracle that knows nothing of our code. */
const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'msg_ours',
  createdS: 1,
  model: 'public/model',
  includeUsage: true,
  reasoningField: 'reasoning_content',
};
const USAGE: Usage = { ...NO_USAGE, input: 10, cacheRead: 4, cacheWrite: 3, cacheWrite1h: 2, output: 5, reasoning: 6 };
const SUMMARY = { usage: USAGE, estimated: false, costUsd: '0.000123', og: { provider: 'p', attempts: 1 } };

const text = (value: string): ChatEvent => ({ type: 'text-delta', choice: 0, text: value });
const EVENTS: ChatEvent[] = [
  { type: 'start' },
  { type: 'reasoning-delta', choice: 0, text: '생각 ' },
  { type: 'reasoning-delta', choice: 0, text: '🤔' },
  { type: 'reasoning-end', choice: 0, origin: 'anthropic-messages', signature: 'sig' },
  text('Hello '),
  text('世界'),
  { type: 'tool-call-start', choice: 0, index: 0, id: 'toolu_a', name: 'weather' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '{"city":' },
  { type: 'tool-call-start', choice: 0, index: 1, id: 'toolu_b', name: 'time' },
  { type: 'tool-call-delta', choice: 0, index: 1, argumentsText: '{"zone":"Asia/Seoul"}' },
  { type: 'tool-call-delta', choice: 0, index: 0, argumentsText: '"서울"}' },
  { type: 'finish', choice: 0, reason: 'tool_calls', raw: 'tool_calls' },
];
const CONTENT = [
  { type: 'thinking', thinking: '생각 🤔', signature: 'sig' },
  { type: 'text', text: 'Hello 世界' },
  { type: 'tool_use', id: 'toolu_a', name: 'weather', input: { city: '서울' } },
  { type: 'tool_use', id: 'toolu_b', name: 'time', input: { zone: 'Asia/Seoul' } },
];

interface Reply {
  status: number;
  type: string;
  body: string;
}
let reply: Reply;
let server: Server;
let client: Anthropic;
let calls = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    calls += 1;
    request.resume().on('end', () => {
      response.writeHead(reply.status, { 'content-type': reply.type });
      response.end(reply.body);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  client = new Anthropic({ apiKey: 'k', baseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, maxRetries: 0, timeout: 5_000 });
});
afterAll(async () => {
  server.closeAllConnections();
  await new Promise((closed) => server.close(closed));
});

const PARAMS = { model: 'm', max_tokens: 10, messages: [{ role: 'user' as const, content: 'x' }] };
const sse = (body: string): Reply => ({ status: 200, type: 'text/event-stream', body });
const json = (status: number, body: unknown): Reply => ({ status, type: 'application/json', body: JSON.stringify(body) });

describe('the official Anthropic client', () => {
  it('accumulates a rendered stream to the message we meant', async () => {
    const renderer = anthropicMessages.createStreamRenderer(CONTEXT);
    const body = EVENTS.map((event) => renderer.render({ events: [event] }, false) + renderer.heartbeat()).join('') + renderer.finish(SUMMARY);
    reply = sse(body);
    const seen: string[] = [];
    const message = await client.messages
      .stream(PARAMS)
      .on('text', (delta) => seen.push(delta))
      .finalMessage();
    expect(message).toMatchObject({ id: 'msg_ours', model: 'public/model', role: 'assistant', stop_reason: 'tool_use', stop_sequence: null });
    expect(JSON.parse(JSON.stringify(message.content))).toEqual(CONTENT);
    expect(message.usage).toMatchObject({ input_tokens: 10, cache_read_input_tokens: 4, cache_creation_input_tokens: 5, output_tokens: 11 });
    expect(seen).toEqual(['Hello ', '世界']);
  });

  it('throws when the stream fails after content', async () => {
    const renderer = anthropicMessages.createStreamRenderer(CONTEXT);
    reply = sse(renderer.render({ events: [text('partly')] }, false) + renderer.fail(new GatewayError('upstream_interrupted', 'The stream broke off.')));
    const failed = client.messages.stream(PARAMS).finalMessage();
    await expect(failed).rejects.toThrow('The stream broke off.');
    await expect(failed).rejects.toBeInstanceOf(Anthropic.APIError);
  });

  it('reads a rendered answer', async () => {
    const parsed = anthropicMessages.parseResponse(
      { content: CONTENT, stop_reason: 'tool_use', usage: { input_tokens: 1, output_tokens: 1 } },
      { dialect: {}, choices: 1 },
    );
    reply = json(200, anthropicMessages.renderResponse(parsed, CONTEXT, SUMMARY));
    const message = await client.messages.create(PARAMS);
    expect(message).toMatchObject({ id: 'msg_ours', content: CONTENT, stop_reason: 'tool_use', usage: { input_tokens: 10, output_tokens: 11 } });
  });

  it.each<[ConstructorParameters<typeof GatewayError>[0], number, new (...args: never[]) => Error]>([
    ['invalid_request', 400, Anthropic.BadRequestError],
    ['invalid_api_key', 401, Anthropic.AuthenticationError],
    ['model_not_allowed', 403, Anthropic.PermissionDeniedError],
    ['model_not_found', 404, Anthropic.NotFoundError],
    ['rate_limit_exceeded', 429, Anthropic.RateLimitError],
    ['upstream_overloaded', 529, Anthropic.InternalServerError],
  ])('throws its own class for %s (%i)', async (code, status, thrown) => {
    const error = new GatewayError(code, 'why not');
    reply = json(anthropicMessages.errorStatus?.(error) ?? error.status, anthropicMessages.renderError(error, 'req_1'));
    calls = 0;
    const failed = client.messages.create(PARAMS);
    await expect(failed).rejects.toBeInstanceOf(thrown);
    await expect(failed).rejects.toMatchObject({ status, message: expect.stringContaining('why not') });
    expect(calls).toBe(1);
  });
});
