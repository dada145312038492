import type { ToolCallPart } from '../../chat/message.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { RenderContext } from '../protocol.js';
import { openaiChat } from '../openai-chat/index.js';
import { openaiResponses } from './index.js';

type Json = Record<string, unknown>;
const UP = { upstreamModel: 'up', reasons: true, modelFacts: {} };
const user = (text: string) => ({ role: 'user', content: [{ type: 'input_text', text }] });
const parse = (more: Json) => openaiResponses.parseRequest({ model: 'm', input: 'x', ...more });
const CONTEXT: RenderContext = { requestId: 'r', responseId: 'resp_1', createdS: 1, model: 'm', includeUsage: true, reasoningField: 'reasoning_content' };

describe('parseRequest', () => {
  it('makes one assistant turn of what a model thought, said and called', () => {
    const { messages } = parse({
      instructions: 'sys',
      input: [
        user('a'),
        {
          type: 'reasoning',
          summary: [
            { type: 'summary_text', text: 'p' },
            { type: 'summary_text', text: 'q' },
          ],
          encrypted_content: 'sealed',
        },
        { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'said' }] },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'web_search_call', id: 'ws' },
        {
          type: 'function_call_output',
          call_id: 'c',
          output: [
            { type: 'input_text', text: 'r' },
            { type: 'input_image', image_url: 'https://a/b.png' },
          ],
        },
        { id: 'item_1' },
      ],
    });
    expect(messages.map(({ role, parts }) => [role, parts.map(({ type }) => type)])).toEqual([
      ['system', ['text']],
      ['user', ['text']],
      ['assistant', ['reasoning', 'text', 'tool-call', 'opaque']],
      ['tool', ['tool-result']],
      ['assistant', ['opaque']],
    ]);
    expect(messages[2]?.parts[0]).toEqual({ type: 'reasoning', text: 'p\n\nq', encrypted: 'sealed', origin: 'openai-responses' });
  });

  it.each<[Json, string, string]>([
    [{ input: undefined }, 'invalid_request', 'input'],
    [{ input: [{ type: 'message', role: 'robot', content: 'x' }] }, 'invalid_request', 'input[0].role'],
    [{ input: [user('a'), { type: 'function_call', name: 'f' }] }, 'invalid_request', 'input[1].call_id'],
    [{ input: [{ role: 'user', content: [{ type: 'input_image' }] }] }, 'invalid_request', 'input[0].content[0].image_url'],
    [{ tools: [{ type: 'function' }] }, 'invalid_request', 'tools[0].name'],
    [{ tool_choice: 'maybe' }, 'invalid_request', 'tool_choice'],
    [{ text: { format: { type: 'xml' } } }, 'invalid_request', 'text.format.type'],
    [{ reasoning: { effort: 'huge' } }, 'invalid_request', 'reasoning.effort'],
    [{ background: true }, 'unsupported_parameter', 'background'],
    [{ conversation: 'conv_1' }, 'unsupported_parameter', 'conversation'],
  ])('refuses %j and names where', (more, code, param) => {
    let error: unknown;
    try {
      parse(more);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(GatewayError);
    expect(error).toMatchObject({ code, param });
  });

  it('reports what it does not know, and nothing that is met anyway', () => {
    const { extra } = parse({ truncation: 'disabled', include: ['reasoning.encrypted_content'], client_metadata: {}, max_tool_calls: 3 });
    expect(extra).toEqual({ max_tool_calls: 3 });
  });
});

describe('custom tools where there are only functions', () => {
  const request = parse({
    tools: [{ type: 'custom', name: 'patch', description: 'Edits', format: { type: 'grammar', syntax: 'lark', definition: 'start: x' } }],
    tool_choice: { type: 'custom', name: 'patch' },
    input: [
      user('a'),
      { type: 'custom_tool_call', call_id: 'c', name: 'patch', input: 'raw\n"text"' },
      { type: 'custom_tool_call_output', call_id: 'c', output: 'ok' },
    ],
  });

  it('are functions with one text for a chat upstream, and themselves again for this one', () => {
    const chat = openaiChat.renderRequest(request, UP).wire;
    expect(chat['tools']).toMatchObject([{ type: 'function', function: { name: 'patch', parameters: { required: ['input'] } } }]);
    expect(JSON.stringify(chat['tools'])).toContain('start: x');
    const [, assistant] = chat['messages'] as { tool_calls: { function: { arguments: string } }[] }[];
    expect(JSON.parse(assistant?.tool_calls[0]?.function.arguments ?? '')).toEqual({ input: 'raw\n"text"' });
    const own = openaiResponses.renderRequest(request, UP).wire;
    expect(own['tool_choice']).toEqual({ type: 'custom', name: 'patch' });
    expect((own['tools'] as Json[])[0]).toMatchObject({ type: 'custom', name: 'patch', format: { syntax: 'lark' } });
    expect((own['input'] as Json[]).slice(1)).toEqual([
      { type: 'custom_tool_call', call_id: 'c', name: 'patch', input: 'raw\n"text"' },
      { type: 'custom_tool_call_output', call_id: 'c', output: 'ok' },
    ]);
  });
});

describe('proof of thoughts', () => {
  const summary = { usage: undefined as never, estimated: false };

  it('of another protocol comes back to it, and is left out of what this one is sent', () => {
    const usage = { input: 0, cacheRead: 0, cacheWrite: 0, cacheWrite1h: 0, output: 0, reasoning: 0, audioIn: 0, audioOut: 0, image: 0 };
    const answer = openaiResponses.renderResponse(
      {
        choices: [
          {
            index: 0,
            finish: 'tool_calls',
            rawFinish: null,
            parts: [
              { type: 'reasoning', text: 'hm', signature: 'signed.x', origin: 'anthropic-messages' },
              { type: 'tool-call', id: 'c', name: 'f', arguments: '{}', signature: 'thought' },
            ],
          },
        ],
        drift: [],
        extra: {},
      },
      CONTEXT,
      { ...summary, usage },
    );
    const input = [user('a'), ...(answer['output'] as Json[]), { type: 'function_call_output', call_id: 'c', output: 'r' }];
    const request = openaiResponses.parseRequest({ model: 'm', input });
    expect(request.messages[1]?.parts[0]).toMatchObject({ type: 'reasoning', text: 'hm', signature: 'signed.x', origin: 'anthropic-messages' });
    expect((request.messages[1]?.parts[1] as ToolCallPart).signature).toBe('thought');
    const { wire, report } = openaiResponses.renderNativeRequest({ model: 'm', input }, request, UP);
    expect((wire['input'] as Json[]).map(({ type, id }) => [type, id])).toEqual([
      [undefined, undefined],
      ['function_call', undefined],
      ['function_call_output', undefined],
    ]);
    expect(report).toEqual([{ parameter: 'input', action: 'dropped', detail: 'reasoning' }]);
  });

  it('of its own is passed on untouched, as the identical input', () => {
    const input = [user('a'), { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'sealed' }, { type: 'novel_item' }];
    const { wire, report } = openaiResponses.renderNativeRequest({ model: 'm', input, novel: 1 }, openaiResponses.parseRequest({ model: 'm', input }), UP);
    expect(wire).toEqual({ model: 'up', input, novel: 1 });
    expect(wire['input']).toBe(input);
    expect(report).toEqual([]);
  });
});

describe('renderRequest for clients of another protocol', () => {
  it('says everything this API knows and reports the rest', () => {
    const request = openaiChat.parseRequest({
      model: 'm',
      messages: [
        { role: 'system', content: 'sys' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } },
          ],
        },
        { role: 'assistant', content: null, tool_calls: [{ id: 'c', type: 'function', function: { name: 'f', arguments: '{}' } }] },
        { role: 'tool', tool_call_id: 'c', content: 'r' },
      ],
      tools: [
        { type: 'function', function: { name: 'f' } },
        { type: 'custom', custom: { name: 'g', format: { type: 'grammar', grammar: { syntax: 'lark', definition: 'd' } } } },
      ],
      response_format: { type: 'json_schema', json_schema: { name: 'n', schema: {}, strict: true } },
      reasoning_effort: 'high',
      max_tokens: 9,
      stop: ['x'],
      n: 1,
      seed: 4,
    });
    const { wire, report } = openaiResponses.renderRequest(request, UP);
    expect(wire).toEqual({
      model: 'up',
      instructions: 'sys',
      input: [
        {
          type: 'message',
          role: 'user',
          content: [
            { type: 'input_text', text: 'a' },
            { type: 'input_image', image_url: 'data:image/png;base64,AA' },
          ],
        },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'r' },
      ],
      max_output_tokens: 9,
      tools: [
        { type: 'function', name: 'f', parameters: { type: 'object', properties: {} }, strict: false },
        { type: 'custom', name: 'g', format: { type: 'grammar', syntax: 'lark', definition: 'd' } },
      ],
      text: { format: { type: 'json_schema', name: 'n', schema: {}, strict: true } },
      reasoning: { effort: 'high', summary: 'auto' },
      include: ['reasoning.encrypted_content'],
      store: false,
    });
    expect(report).toEqual([
      { parameter: 'seed', action: 'dropped' },
      { parameter: 'stop', action: 'dropped' },
    ]);
  });

  it.each([
    ['https://api.openai.com/v1', 'https://api.openai.com/v1/responses'],
    ['http://127.0.0.1:9', 'http://127.0.0.1:9/v1/responses'],
    ['https://a.example/openai/v1/?api-version=preview', 'https://a.example/openai/v1/responses?api-version=preview'],
  ])('goes to %s at %s', (baseUrl, url) => {
    expect(openaiResponses.endpoint({ baseUrl, upstreamModel: 'm', stream: false })).toBe(url);
  });
});
