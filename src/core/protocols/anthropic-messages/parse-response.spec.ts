import { UnreadableAnswer } from '../protocol.js';
import { endpoint } from './endpoint.js';
import { parseError } from './parse-error.js';
import { parseResponse } from './parse-response.js';
import { mergeUsage, parseUsage } from './parse-usage.js';

const CONTEXT = { dialect: {}, choices: 1 };
const answer = (more: Record<string, unknown> = {}) => ({
  id: 'msg_1',
  type: 'message',
  role: 'assistant',
  model: 'claude',
  content: [{ type: 'text', text: 'hi' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: { input_tokens: 3, output_tokens: 2 },
  ...more,
});
const NONE = { input: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, output: 0, reasoning: 0, audioIn: 0, audioOut: 0, image: 0 };

describe('parseResponse', () => {
  it('reads every kind of block in its order', () => {
    const search = { type: 'web_search_tool_result', tool_use_id: 's', content: [] };
    const citation = { type: 'char_location', cited_text: 'x' };
    const response = parseResponse(
      answer({
        content: [
          { type: 'thinking', thinking: 'hm', signature: 'sig' },
          { type: 'redacted_thinking', data: 'enc' },
          search,
          { type: 'text', text: 'see', citations: [citation] },
          { type: 'tool_use', id: 't', name: 'f', input: { a: 1 } },
          { type: 'hologram', x: 1 },
        ],
        stop_reason: 'tool_use',
        stop_details: { type: 'x' },
      }),
      CONTEXT,
    );
    expect(response.choices).toEqual([
      {
        index: 0,
        finish: 'tool_calls',
        rawFinish: 'tool_use',
        parts: [
          { type: 'reasoning', text: 'hm', signature: 'sig', origin: 'anthropic-messages' },
          { type: 'reasoning', text: '', encrypted: 'enc', origin: 'anthropic-messages' },
          { type: 'opaque', protocol: 'anthropic-messages', value: search },
          { type: 'text', text: 'see', annotations: [citation] },
          { type: 'tool-call', id: 't', name: 'f', arguments: '{"a":1}' },
          { type: 'opaque', protocol: 'anthropic-messages', value: { type: 'hologram', x: 1 } },
        ],
      },
    ]);
    expect(response.drift).toEqual(['block:hologram']);
    expect(response.extra).toEqual({ stop_details: { type: 'x' } });
    expect(response).toMatchObject({ upstreamId: 'msg_1', upstreamModel: 'claude', usage: { input: 3, output: 2 } });
  });

  it.each([
    ['end_turn', 'stop'],
    ['stop_sequence', 'stop'],
    ['pause_turn', 'stop'],
    ['max_tokens', 'length'],
    ['model_context_window_exceeded', 'length'],
    ['tool_use', 'tool_calls'],
    ['refusal', 'content_filter'],
  ])('stop_reason %s → %s', (raw, finish) => {
    expect(parseResponse(answer({ stop_reason: raw }), CONTEXT)).toMatchObject({ choices: [{ finish, rawFinish: raw }], drift: [] });
  });

  it('counts a stop reason it does not know, and lets the dialect name it', () => {
    expect(parseResponse(answer({ stop_reason: 'bored' }), CONTEXT)).toMatchObject({
      choices: [{ finish: 'stop', rawFinish: 'bored' }],
      drift: ['stop_reason:bored'],
    });
    expect(parseResponse(answer({ stop_reason: 'bored' }), { dialect: { finishMap: { bored: 'length' } }, choices: 1 })).toMatchObject({
      choices: [{ finish: 'length' }],
      drift: [],
    });
  });

  it('gives the emulated structured output back as text', () => {
    const response = parseResponse(
      answer({ content: [{ type: 'tool_use', id: 't', name: 'og_json_response', input: { a: 1 } }], stop_reason: 'tool_use' }),
      CONTEXT,
    );
    expect(response.choices[0]).toMatchObject({ parts: [{ type: 'text', text: '{"a":1}' }], finish: 'stop' });
  });

  it('tells missing from invalid usage', () => {
    expect(parseResponse(answer({ usage: undefined }), CONTEXT)).toMatchObject({ usageProblem: 'missing' });
    expect(parseResponse(answer({ usage: { input_tokens: -1, output_tokens: 2 } }), CONTEXT)).toMatchObject({
      usageProblem: 'invalid',
      rawUsage: { input_tokens: -1 },
    });
  });

  it('does not take an error, or anything else, for an answer', () => {
    const read = (body: unknown) => () => parseResponse(body, CONTEXT);
    expect(read({ type: 'error', error: { type: 'api_error', message: 'no' } })).toThrow(
      expect.objectContaining({ facts: { message: 'no', rawCode: 'api_error', rawType: 'api_error' } }),
    );
    for (const body of [null, [], 'x', {}, { content: 'x' }, { content: [5] }]) expect(read(body)).toThrow(UnreadableAnswer);
  });
});

describe('parseUsage', () => {
  it.each<[string, Record<string, unknown>, Record<string, number>]>([
    [
      'input without the cache',
      { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 7, output_tokens: 2 },
      { input: 10, cacheRead: 5, cacheWrite: 7, output: 2 },
    ],
    [
      'writes by lifetime',
      { cache_creation_input_tokens: 10, cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 6 } },
      { cacheWrite: 4, cacheWrite1h: 6 },
    ],
    ['a split without a total', { cache_creation: { ephemeral_5m_input_tokens: 4, ephemeral_1h_input_tokens: 6 } }, { cacheWrite: 4, cacheWrite1h: 6 }],
    [
      'a total that outgrew its split',
      { cache_creation_input_tokens: 3337, cache_creation: { ephemeral_5m_input_tokens: 3068, ephemeral_1h_input_tokens: 0 } },
      { cacheWrite: 3337 },
    ],
    [
      'the same with one hour',
      { cache_creation_input_tokens: 9, cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 6 } },
      { cacheWrite1h: 9 },
    ],
    ['thinking inside output', { output_tokens: 99, output_tokens_details: { thinking_tokens: 28 } }, { output: 71, reasoning: 28 }],
    [
      'iterations, a compaction among them',
      {
        input_tokens: 1,
        output_tokens: 1,
        iterations: [
          { type: 'compaction', input_tokens: 100, output_tokens: 10 },
          { type: 'message', input_tokens: 5, output_tokens: 3, cache_read_input_tokens: 2 },
        ],
      },
      { input: 105, output: 13, cacheRead: 2 },
    ],
    [
      'an advisor left out',
      {
        input_tokens: 5,
        output_tokens: 3,
        iterations: [
          { type: 'message', input_tokens: 5, output_tokens: 3 },
          { type: 'advisor_message', input_tokens: 900, output_tokens: 90 },
        ],
      },
      { input: 5, output: 3 },
    ],
    [
      'nulls',
      { input_tokens: 5, output_tokens: 3, cache_creation: null, cache_read_input_tokens: null, iterations: null, output_tokens_details: null },
      { input: 5, output: 3 },
    ],
  ])('%s', (_name, usage, expected) => {
    expect(parseUsage(usage)).toEqual({ ...NONE, ...expected });
  });

  it('follows the dialect where a compatible provider counts otherwise', () => {
    const usage = {
      input_tokens: 100,
      cache_read_input_tokens: 40,
      cache_creation_input_tokens: 10,
      output_tokens: 5,
      output_tokens_details: { thinking_tokens: 3 },
    };
    const semantics = { promptIncludesCacheRead: true, promptIncludesCacheWrite: true, completionIncludesReasoning: false };
    expect(parseUsage(usage, semantics)).toEqual({ ...NONE, input: 50, cacheRead: 40, cacheWrite: 10, output: 5, reasoning: 3 });
  });

  it.each([
    { input_tokens: -1 },
    { output_tokens: 1.5 },
    { input_tokens: '3' },
    { cache_read_input_tokens: 2 ** 60 },
    { cache_creation: { ephemeral_5m_input_tokens: -2 } },
  ])('does not believe %j', (usage) => {
    expect(parseUsage(usage)).toBeNull();
  });

  it('lets message_delta correct message_start', () => {
    expect(
      mergeUsage({ input_tokens: 612, output_tokens: 63, service_tier: 'standard' }, { input_tokens: 28, output_tokens: 106, cache_read_input_tokens: null }),
    ).toEqual({ input_tokens: 28, output_tokens: 106, service_tier: 'standard' });
  });
});

describe('parseError', () => {
  it.each<[string, unknown, unknown]>([
    [
      'Anthropic',
      { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' }, request_id: 'r' },
      { message: 'Overloaded', rawCode: 'overloaded_error', rawType: 'overloaded_error' },
    ],
    ['OpenAI-like', { error: { message: 'no', type: 'x', code: 'y' } }, { message: 'no', rawCode: 'y', rawType: 'x' }],
    [
      'MiniMax http_code',
      { type: 'error', error: { type: 'bad', message: 'slow down', http_code: '429' } },
      { message: 'slow down', rawCode: 'bad', rawType: 'bad', status: 429 },
    ],
    ['MiniMax base_resp', { base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }, { message: 'insufficient balance', rawCode: '1008' }],
    ['text', { error: 'nope', code: 5 }, { message: 'nope', rawCode: '5' }],
    ['detail', { detail: 'Not Found' }, { message: 'Not Found', rawCode: null }],
    [
      'a throttled stream in other words',
      { type: 'error', error: { type: 'invalid_request_error', message: '{"message":"Too many requests, wait before trying again."}' } },
      { message: 'Too many requests, wait before trying again.', rawCode: 'invalid_request_error', rawType: 'invalid_request_error', status: 429 },
    ],
    ['an answer', answer({ error: null }), null],
    ['an answer of MiniMax', { base_resp: { status_code: 0 } }, null],
    ['no object', 'x', null],
    ['nothing known', { a: 1 }, null],
  ])('%s', (_name, body, facts) => {
    expect(parseError(body)).toEqual(facts);
  });
});

describe('endpoint', () => {
  it.each([
    ['https://api.anthropic.com', 'https://api.anthropic.com/v1/messages'],
    ['https://api.anthropic.com/', 'https://api.anthropic.com/v1/messages'],
    ['http://127.0.0.1:9001/v1/', 'http://127.0.0.1:9001/v1/messages'],
    ['https://api.minimax.io/anthropic', 'https://api.minimax.io/anthropic/v1/messages'],
    ['https://api.minimax.io/anthropic/v1', 'https://api.minimax.io/anthropic/v1/messages'],
  ])('%s', (baseUrl, url) => {
    expect(endpoint({ baseUrl, upstreamModel: 'm', stream: true })).toBe(url);
  });
});
