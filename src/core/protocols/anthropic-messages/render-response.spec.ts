import fc from 'fast-check';
import type { Part } from '../../chat/message.js';
import type { ChatResponse } from '../../chat/response.js';
import { NO_USAGE } from '../../chat/usage.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { ErrorCode } from '../../errors/catalogue.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { parseResponse } from './parse-response.js';
import { errorStatus, renderError } from './render-error.js';
import { renderNativeResponse, renderResponse } from './render-response.js';

const CONTEXT: RenderContext = {
  requestId: 'req_1',
  responseId: 'msg_ours',
  createdS: 1,
  model: 'public/model',
  includeUsage: true,
  reasoningField: 'reasoning_content',
};
const SUMMARY: AnswerSummary = { usage: { ...NO_USAGE, input: 10, cacheRead: 4, cacheWrite: 3, cacheWrite1h: 2, output: 5, reasoning: 6 }, estimated: false };
const answer = (parts: Part[], more: Partial<ChatResponse['choices'][0]> = {}): ChatResponse => ({
  choices: [{ index: 0, parts, finish: 'stop', rawFinish: 'stop', ...more }],
  drift: [],
  extra: {},
});
const render = (response: ChatResponse, summary = SUMMARY) => renderResponse(response, CONTEXT, summary);

describe('renderResponse', () => {
  it('writes an Anthropic message in Anthropic’s meaning of usage', () => {
    expect(
      render(
        answer(
          [
            { type: 'reasoning', text: 'hm' },
            { type: 'text', text: 'hi' },
            { type: 'tool-call', id: 'a', name: 'f', arguments: '{"x":1}' },
          ],
          { finish: 'tool_calls' },
        ),
      ),
    ).toEqual({
      id: 'msg_ours',
      type: 'message',
      role: 'assistant',
      model: 'public/model',
      content: [
        { type: 'thinking', thinking: 'hm', signature: '' },
        { type: 'text', text: 'hi' },
        { type: 'tool_use', id: 'a', name: 'f', input: { x: 1 } },
      ],
      stop_reason: 'tool_use',
      stop_sequence: null,
      usage: {
        input_tokens: 10,
        cache_creation_input_tokens: 5,
        cache_read_input_tokens: 4,
        cache_creation: { ephemeral_5m_input_tokens: 3, ephemeral_1h_input_tokens: 2 },
        output_tokens: 11,
        output_tokens_details: { thinking_tokens: 6 },
      },
    });
  });

  it.each<[Partial<ChatResponse['choices'][0]>, string]>([
    [{ finish: 'stop' }, 'end_turn'],
    [{ finish: 'stop', stopSequence: 'END' }, 'stop_sequence'],
    [{ finish: 'stop', rawFinish: 'pause_turn' }, 'pause_turn'],
    [{ finish: 'length' }, 'max_tokens'],
    [{ finish: 'content_filter', rawFinish: 'SAFETY' }, 'refusal'],
    [{ finish: 'error' }, 'error'],
  ])('%j → stop_reason %s', (choice, stopReason) => {
    expect(render(answer([], choice))['stop_reason']).toBe(stopReason);
  });

  it('renders what has a form here and leaves out what has none', () => {
    const parts: Part[] = [
      { type: 'refusal', text: 'no' },
      { type: 'image', source: { kind: 'inline', mediaType: 'image/png', data: 'AA' } },
      { type: 'audio', source: { kind: 'inline', mediaType: 'audio/wav', data: '' }, transcript: 'words' },
      { type: 'text', text: 'x', annotations: [{ type: 'url_citation' }, { type: 'page_location', cited_text: 'y' }] },
      { type: 'opaque', protocol: 'gemini-generate', value: {} },
    ];
    expect(render(answer(parts))['content']).toEqual([
      { type: 'text', text: 'no' },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA' } },
      { type: 'text', text: 'words' },
      { type: 'text', text: 'x', citations: [{ type: 'page_location', cited_text: 'y' }] },
    ]);
  });

  it('reads back as the same answer', () => {
    const word = fc.string({ unit: 'grapheme', minLength: 1 });
    const part: fc.Arbitrary<Part> = fc.oneof(
      word.map((text): Part => ({ type: 'text', text })),
      word.map((text): Part => ({ type: 'reasoning', text, signature: `s${text.length}`, origin: 'anthropic-messages' })),
      word.map((data): Part => ({ type: 'reasoning', text: '', encrypted: data, origin: 'anthropic-messages' })),
      fc.jsonValue().map((value): Part => ({ type: 'tool-call', id: 'a', name: 'f', arguments: JSON.stringify({ value }) })),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
        const again = parseResponse(JSON.parse(JSON.stringify(render(answer(parts)))), { dialect: {}, choices: 1 });
        expect(again.choices[0]?.parts).toEqual(parts);
        expect(again.usage).toEqual(SUMMARY.usage);
      }),
      { numRuns: 100 },
    );
  });

  it('patches only id, model and the price of an upstream’s own message', () => {
    const raw = { id: 'msg_up', model: 'claude-up', content: [{ type: 'novelty' }], usage: { input_tokens: 1, novelty: 2 }, container: { id: 'c' } };
    expect(renderNativeResponse(raw, CONTEXT, { ...SUMMARY, costUsd: '0.5' })).toEqual({
      ...raw,
      id: 'msg_ours',
      model: 'public/model',
      usage: { input_tokens: 1, novelty: 2, cost: 0.5 },
    });
  });
});

describe('renderNativeResponse with the normalised reading', () => {
  const raw = {
    id: 'msg_up',
    content: [
      { type: 'tool_use', id: 'x', name: 'f', input: {}, caller: {} },
      { type: 'tool_use', id: 'x', name: 'f', input: {} },
    ],
    stop_reason: 'end_turn',
    usage: {},
  };
  const call = (id: string): Part => ({ type: 'tool-call', id, name: 'f', arguments: '{}' });

  it('corrects the stop reason and repeated ids, and nothing else', () => {
    const response = answer([call('x'), call('call_2')], { finish: 'tool_calls', rawFinish: 'end_turn' });
    expect(renderNativeResponse(raw, CONTEXT, SUMMARY, response)).toEqual({
      ...raw,
      id: 'msg_ours',
      model: 'public/model',
      content: [raw.content[0], { ...raw.content[1], id: 'call_2' }],
      stop_reason: 'tool_use',
    });
  });

  it('leaves what needs no correction, and reasons it does not know', () => {
    const same = answer([call('x'), call('x')], { finish: 'stop', rawFinish: 'novel' });
    expect(renderNativeResponse({ ...raw, stop_reason: 'novel' }, CONTEXT, SUMMARY, same)).toMatchObject({ content: raw.content, stop_reason: 'novel' });
  });
});

describe('renderError', () => {
  it.each<[ErrorCode, string, number]>([
    ['invalid_request', 'invalid_request_error', 400],
    ['invalid_api_key', 'authentication_error', 401],
    ['insufficient_credits', 'billing_error', 402],
    ['model_not_allowed', 'permission_error', 403],
    ['model_not_found', 'not_found_error', 404],
    ['request_too_large', 'request_too_large', 413],
    ['rate_limit_exceeded', 'rate_limit_error', 429],
    ['internal_error', 'api_error', 500],
    ['upstream_error', 'api_error', 502],
    ['upstream_overloaded', 'overloaded_error', 529],
    ['overloaded', 'overloaded_error', 529],
    ['no_deployment_available', 'api_error', 503],
    ['upstream_timeout', 'timeout_error', 504],
  ])('%s → %s, %i', (code, type, status) => {
    const error = new GatewayError(code, 'why');
    expect(renderError(error, 'req_1')).toEqual({ type: 'error', error: { type, message: 'why' }, request_id: 'req_1' });
    expect(errorStatus(error)).toBe(status);
  });

  it('says a context overflow in the words Claude Code looks for, and leaves Anthropic’s own as they are', () => {
    const message = (text: string) => (renderError(new GatewayError('context_length_exceeded', text), 'r')['error'] as { message: string }).message;
    expect(message('maximum context length is 10')).toBe('prompt is too long: maximum context length is 10');
    expect(message('prompt is too long: 3 tokens > 2 maximum')).toBe('prompt is too long: 3 tokens > 2 maximum');
  });
});
