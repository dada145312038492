import fc from 'fast-check';
import { GatewayError } from '../../errors/gateway-error.js';
import { scanBody, spliceBody } from '../../json/index.js';
import { openaiChat } from './index.js';

const { parseRequest } = openaiChat;
const USER = { role: 'user', content: 'hi' };
const parse = (members: Record<string, unknown>) => parseRequest({ model: 'm', messages: [USER], ...members });
function refusal(members: Record<string, unknown>): GatewayError {
  try {
    parse(members);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('the request was accepted');
}

describe('parseRequest', () => {
  it('reads a plain message as it reads one with members beside', () => {
    const plain = fc.record({ role: fc.constantFrom('user', 'assistant', 'system', 'developer'), content: fc.string() });
    fc.assert(fc.property(plain, (message) => expect(parse({ messages: [message] }).messages).toEqual(parse({ messages: [{ ...message, name: null }] }).messages)));
  });

  it('reads the smallest request', () => {
    expect(parse({})).toEqual({
      model: 'm',
      messages: [{ role: 'user', parts: [{ type: 'text', text: 'hi' }] }],
      tools: [],
      sampling: {},
      stream: false,
      includeUsage: false,
      extra: {},
      wireNames: {},
    });
  });

  it('reads every option', () => {
    const request = parse({
      models: ['a', 'b'],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      min_p: 0.1,
      seed: 7,
      stop: 'x',
      n: 2,
      presence_penalty: 1,
      frequency_penalty: -1,
      repetition_penalty: 1.1,
      logit_bias: { 5: -100 },
      logprobs: true,
      top_logprobs: 3,
      max_completion_tokens: 9,
      stream: true,
      stream_options: { include_usage: true },
      parallel_tool_calls: false,
      prompt_cache_key: 'k',
      service_tier: 'flex',
      metadata: { a: 'b' },
      user: 'u',
      safety_identifier: 's',
      store: true,
      verbosity: 'low',
      modalities: ['text', 'audio'],
      audio: { voice: 'alloy', format: 'wav' },
      reasoning_effort: 'high',
      web_search_options: { x: 1 },
    });
    expect(request.sampling).toEqual({
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      minP: 0.1,
      seed: 7,
      stop: ['x'],
      n: 2,
      presencePenalty: 1,
      frequencyPenalty: -1,
      repetitionPenalty: 1.1,
      logitBias: { 5: -100 },
      logprobs: true,
      topLogprobs: 3,
    });
    expect(request).toMatchObject({
      models: ['a', 'b'],
      maxOutputTokens: 9,
      stream: true,
      includeUsage: true,
      parallelToolCalls: false,
      promptCacheKey: 'k',
      serviceTier: 'flex',
      metadata: { a: 'b' },
      user: 'u',
      safetyIdentifier: 's',
      store: true,
      verbosity: 'low',
      modalities: ['text', 'audio'],
      audioOutput: { voice: 'alloy', format: 'wav' },
      reasoning: { effort: 'high' },
      extra: { web_search_options: { x: 1 } },
    });
    expect(request.wireNames).toMatchObject({
      maxOutputTokens: 'max_completion_tokens',
      topP: 'top_p',
      reasoning: 'reasoning_effort',
      logitBias: 'logit_bias',
    });
  });

  it('takes null for every optional member', () => {
    const nulls = [
      'temperature',
      'stop',
      'tools',
      'tool_choice',
      'response_format',
      'stream',
      'stream_options',
      'max_tokens',
      'logit_bias',
      'user',
      'metadata',
      'reasoning_effort',
      'functions',
    ];
    expect(parse(Object.fromEntries(nulls.map((name) => [name, null]))).sampling).toEqual({});
  });

  it.each([
    [{ max_tokens: 5, max_completion_tokens: 9 }, 5, 'max_tokens', 'max_completion_tokens'],
    [{ max_tokens: 9, max_completion_tokens: 5 }, 5, 'max_completion_tokens', 'max_tokens'],
  ])('takes the smaller of two maxima and says so: %j', (members, value, holds, dropped) => {
    const request = parse(members);
    expect(request.maxOutputTokens).toBe(value);
    expect(request.wireNames['maxOutputTokens']).toBe(holds);
    expect(request.adjustments).toEqual([{ parameter: dropped, action: 'dropped' }]);
    const { wire } = openaiChat.renderNativeRequest({ model: 'm', messages: [USER], ...members }, request, {
      upstreamModel: 'u',
      reasons: false,
      modelFacts: {},
    });
    expect(wire).toEqual({ model: 'u', messages: [USER], [holds]: value });
  });

  it.each<[Record<string, unknown>, Record<string, unknown>]>([
    [{ reasoning_effort: 'none' }, { effort: 'none' }],
    [{ reasoning: { effort: 'low' } }, { effort: 'low' }],
    [{ reasoning: { max_tokens: 100 } }, { budgetTokens: 100 }],
    [{ thinking: { type: 'enabled', budget_tokens: 2000 } }, { enabled: true, budgetTokens: 2000 }],
    [{ thinking: { type: 'disabled' } }, { enabled: false }],
    [
      { enable_thinking: true, thinking_budget: 10 },
      { enabled: true, budgetTokens: 10 },
    ],
  ])('reads the wish to reason: %j', (members, reasoning) => {
    expect(parse(members).reasoning).toEqual(reasoning);
  });

  it('reads every kind of part', () => {
    const content = [
      { type: 'text', text: 'a', cache_control: { type: 'ephemeral' } },
      { type: 'image_url', image_url: { url: 'https://x/y.png', detail: 'low' } },
      { type: 'image_url', image_url: 'data:image/png;base64,AAAA' },
      { type: 'input_audio', input_audio: { data: 'BBBB', format: 'wav' } },
      { type: 'file', file: { file_id: 'f1' } },
      { type: 'file', file: { filename: 'a.pdf', file_data: 'data:application/pdf;base64,CCCC' } },
      { type: 'video_url', video_url: { url: 'https://x/y.mp4' } },
      { type: 'own_thing', x: 1 },
    ];
    const [message] = parse({ messages: [{ role: 'user', content, name: 'kim' }] }).messages;
    expect(message).toEqual({
      role: 'user',
      name: 'kim',
      parts: [
        { type: 'text', text: 'a', cacheControl: { type: 'ephemeral' } },
        { type: 'image', source: { kind: 'url', url: 'https://x/y.png' }, detail: 'low' },
        { type: 'image', source: { kind: 'inline', mediaType: 'image/png', data: 'AAAA' } },
        { type: 'audio', source: { kind: 'inline', mediaType: 'audio/wav', data: 'BBBB' }, format: 'wav' },
        { type: 'file', source: { kind: 'provider-file', id: 'f1' }, filename: undefined },
        { type: 'file', source: { kind: 'inline', mediaType: 'application/pdf', data: 'CCCC' }, filename: 'a.pdf' },
        { type: 'video', source: { kind: 'url', url: 'https://x/y.mp4' } },
        { type: 'opaque', protocol: 'openai-chat', value: { type: 'own_thing', x: 1 } },
      ],
    });
  });

  it('reads a conversation with tools', () => {
    const request = parse({
      messages: [
        { role: 'developer', content: 'be brief' },
        USER,
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' }, extra_content: { google: { thought_signature: 'sig' } } },
            { id: 'c2', type: 'custom', custom: { name: 'g', input: 'free' } },
          ],
        },
        { role: 'tool', tool_call_id: 'c1', content: [{ type: 'text', text: 'r' }] },
        { role: 'assistant', content: null, refusal: 'no' },
      ],
      tools: [
        { type: 'function', function: { name: 'f', description: 'd', parameters: { type: 'object' }, strict: true } },
        { type: 'custom', custom: { name: 'g' } },
      ],
      tool_choice: { type: 'function', function: { name: 'f' } },
    });
    expect(request.messages.map((message) => message.parts)).toEqual([
      [{ type: 'text', text: 'be brief' }],
      [{ type: 'text', text: 'hi' }],
      [
        { type: 'tool-call', id: 'c1', name: 'f', arguments: '{"a":1}', signature: 'sig' },
        { type: 'tool-call', id: 'c2', name: 'g', arguments: 'free', kind: 'custom' },
      ],
      [{ type: 'tool-result', toolCallId: 'c1', content: [{ type: 'text', text: 'r' }] }],
      [{ type: 'refusal', text: 'no' }],
    ]);
    expect(request.tools).toEqual([
      { type: 'function', name: 'f', description: 'd', parameters: { type: 'object' }, strict: true },
      { type: 'opaque', protocol: 'openai-chat', name: 'g', value: { type: 'custom', custom: { name: 'g' } } },
    ]);
    expect(request.toolChoice).toEqual({ type: 'tool', name: 'f' });
  });

  it('reads the old form of functions', () => {
    const request = parse({
      messages: [USER, { role: 'assistant', content: null, function_call: { name: 'f', arguments: '{}' } }, { role: 'function', name: 'f', content: 'r' }],
      functions: [{ name: 'f' }],
      function_call: { name: 'f' },
    });
    expect(request.messages[1]?.parts).toEqual([{ type: 'tool-call', id: 'call_f_1', name: 'f', arguments: '{}' }]);
    expect(request.messages[2]).toEqual({
      role: 'tool',
      parts: [{ type: 'tool-result', toolCallId: 'call_f_1', name: 'f', content: [{ type: 'text', text: 'r' }] }],
    });
    expect(request.tools).toEqual([{ type: 'function', name: 'f' }]);
    expect(request.toolChoice).toEqual({ type: 'tool', name: 'f' });
  });

  it.each<[string, Record<string, unknown>, unknown[]]>([
    ['reasoning_content', { reasoning_content: 't' }, [{ type: 'reasoning', text: 't' }]],
    ['reasoning', { reasoning: 't' }, [{ type: 'reasoning', text: 't' }]],
    [
      'reasoning_details in fragments, beside their text',
      {
        reasoning: 'ab',
        reasoning_details: [
          { type: 'reasoning.text', text: 'a', index: 0, format: 'anthropic-claude-v1' },
          { type: 'reasoning.text', text: 'b', index: 0 },
          { type: 'reasoning.text', signature: 'sig', index: 0 },
          { type: 'reasoning.encrypted', data: 'enc', id: 'r1', format: 'openai-responses-v1', index: 1 },
        ],
      },
      [
        { type: 'reasoning', text: 'ab', signature: 'sig', origin: 'anthropic-messages' },
        { type: 'reasoning', text: '', encrypted: 'enc', id: 'r1', origin: 'openai-responses' },
      ],
    ],
    [
      'a signature whose text stands elsewhere',
      { reasoning_content: 't', reasoning_details: [{ type: 'reasoning.text', signature: 's' }] },
      [{ type: 'reasoning', text: 't', signature: 's' }],
    ],
    [
      'thinking blocks',
      {
        thinking_blocks: [
          { type: 'thinking', thinking: 't', signature: 's' },
          { type: 'redacted_thinking', data: 'd' },
        ],
      },
      [
        { type: 'reasoning', text: 't', signature: 's', origin: 'anthropic-messages' },
        { type: 'reasoning', text: '', encrypted: 'd', origin: 'anthropic-messages' },
      ],
    ],
    ['thinking parts in the content', { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 't' }] }] }, [{ type: 'reasoning', text: 't' }]],
  ])('takes thinking back: %s', (_name, members, parts) => {
    const { messages } = parse({ messages: [USER, { role: 'assistant', content: [], ...members }] });
    expect(JSON.parse(JSON.stringify(messages[1]?.parts))).toEqual(parts);
  });

  it.each<[string, Record<string, unknown>]>([
    ['model', { model: undefined }],
    ['model', { model: '' }],
    ['model', { model: 5 }],
    ['messages', { messages: undefined }],
    ['messages', { messages: [] }],
    ['messages', { messages: 'x' }],
    ['messages', { messages: Array.from({ length: 20_001 }, () => USER) }],
    ['messages[1]', { messages: [USER, 5] }],
    ['messages[0].role', { messages: [{ content: 'x' }] }],
    ['messages[0].role', { messages: [{ role: 'robot', content: 'x' }] }],
    ['messages[0].content', { messages: [{ role: 'user' }] }],
    ['messages[0].content', { messages: [{ role: 'user', content: null }] }],
    ['messages[2].content', { messages: [USER, USER, { role: 'user', content: 5 }] }],
    ['messages[0].content[1]', { messages: [{ role: 'user', content: [{ type: 'text', text: 'a' }, 'b'] }] }],
    ['messages[0].content[0].type', { messages: [{ role: 'user', content: [{ text: 'a' }] }] }],
    ['messages[0].content[0].text', { messages: [{ role: 'user', content: [{ type: 'text' }] }] }],
    ['messages[0].content[0].image_url', { messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }],
    ['messages[0].content[0].image_url.url', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: {} }] }] }],
    ['messages[0].content[0].image_url', { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png,abc' } }] }] }],
    ['messages[0].content[0].file', { messages: [{ role: 'user', content: [{ type: 'file', file: {} }] }] }],
    ['messages[0].tool_call_id', { messages: [{ role: 'tool', content: 'x' }] }],
    ['messages[0].tool_calls[0].id', { messages: [{ role: 'assistant', tool_calls: [{ function: { name: 'f', arguments: '' } }] }] }],
    ['messages[0].tool_calls[0].function.arguments', { messages: [{ role: 'assistant', tool_calls: [{ id: 'a', function: { name: 'f', arguments: {} } }] }] }],
    ['temperature', { temperature: 'hot' }],
    ['temperature', { temperature: -1 }],
    ['temperature', { temperature: Infinity }],
    ['top_p', { top_p: 2 }],
    ['max_tokens', { max_tokens: 0 }],
    ['max_tokens', { max_tokens: -5 }],
    ['max_tokens', { max_tokens: 1.5 }],
    ['max_tokens', { max_tokens: 2 ** 31 }],
    ['max_completion_tokens', { max_completion_tokens: '5' }],
    ['n', { n: 0 }],
    ['n', { n: 1e9 }],
    ['seed', { seed: 1.5 }],
    ['stop', { stop: 5 }],
    ['stop[1]', { stop: ['a', 5] }],
    ['logprobs', { logprobs: 1 }],
    ['top_logprobs', { top_logprobs: 21 }],
    ['logit_bias["5"]', { logit_bias: { 5: 101 } }],
    ['stream', { stream: 'yes' }],
    ['stream_options', { stream_options: 5 }],
    ['stream_options.include_usage', { stream_options: { include_usage: 1 } }],
    ['models[0]', { models: [5] }],
    ['tools', { tools: {} }],
    ['tools', { tools: Array.from({ length: 10_000 }, () => ({})) }],
    ['tools[0].type', { tools: [{}] }],
    ['tools[0].function', { tools: [{ type: 'function' }] }],
    ['tools[0].function.name', { tools: [{ type: 'function', function: {} }] }],
    ['tools[0].function.parameters', { tools: [{ type: 'function', function: { name: 'f', parameters: [] } }] }],
    ['tool_choice', { tool_choice: 'sometimes' }],
    ['tool_choice.function', { tool_choice: { type: 'function' } }],
    ['response_format.type', { response_format: { type: 'xml' } }],
    ['response_format.json_schema', { response_format: { type: 'json_schema' } }],
    ['response_format.json_schema.schema', { response_format: { type: 'json_schema', json_schema: { name: 'a', schema: 5 } } }],
    ['reasoning_effort', { reasoning_effort: 'huge' }],
    ['metadata', { metadata: 'x' }],
  ])('names %s', (param, members) => {
    const error = refusal(members);
    expect([error.code, error.param, error.status]).toEqual(['invalid_request', param, 400]);
    expect(error.message).toContain(param);
  });

  it('refuses a body that is no object', () => {
    for (const body of [null, [], 'x', 5]) expect(() => parseRequest(body)).toThrow(GatewayError);
  });

  it('keeps a member named __proto__ as plain data', () => {
    const { value } = scanBody(Buffer.from('{"model":"m","messages":[{"role":"user","content":"x"}],"__proto__":{"a":1},"constructor":5}'));
    const request = parseRequest(value);
    expect(Object.keys(request.extra)).toEqual(['__proto__', 'constructor']);
    expect((request.extra as { a?: unknown }).a).toBeUndefined();
  });
});

describe('renderNativeRequest', () => {
  const context = { upstreamModel: 'up', reasons: false, modelFacts: {} };
  const native = (body: string) => {
    const scanned = scanBody(Buffer.from(body));
    return spliceBody(scanned, openaiChat.renderNativeRequest(scanned.value, parseRequest(scanned.value), context).wire).toString();
  };

  it('changes the model and asks for usage, and nothing else', () => {
    expect(native('{"model":"m", "seed":9007199254740993,"messages":[{"role":"user","content":"\\u0061"}],"stream":true,"x":1.0}')).toBe(
      '{"model":"up", "seed":9007199254740993,"messages":[{"role":"user","content":"\\u0061"}],"stream":true,"x":1.0,"stream_options":{"include_usage":true}}',
    );
    expect(native('{"model":"m","messages":[{"role":"user","content":"a"}],"models":["b"]}')).toBe('{"model":"up","messages":[{"role":"user","content":"a"}]}');
    expect(native('{"model":"m","messages":[{"role":"user","content":"a"}],"stream":true,"stream_options":{"include_usage":true,"x":1}}')).toContain(
      '"stream_options":{"include_usage":true,"x":1}',
    );
  });

  it('forwards the maximum that a policy lowered', () => {
    const wire = { model: 'm', messages: [USER], max_tokens: 100 };
    const request = { ...parseRequest(wire), maxOutputTokens: 10 };
    expect(openaiChat.renderNativeRequest(wire, request, context).wire).toMatchObject({ max_tokens: 10 });
    const silent = { model: 'm', messages: [USER] };
    expect(openaiChat.renderNativeRequest(silent, { ...parseRequest(silent), maxOutputTokens: 10 }, context).wire).toMatchObject({ max_tokens: 10 });
  });
});

describe('renderRequest', () => {
  it('is what was parsed, for every member a translation can carry', () => {
    const body = {
      model: 'm',
      messages: [
        { role: 'system', content: 's' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' } },
          ],
        },
        {
          role: 'assistant',
          content: 'x',
          tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } }],
          reasoning_content: 'thought',
        },
        { role: 'tool', tool_call_id: 'c1', content: 'r' },
      ],
      temperature: 1,
      stop: ['a'],
      n: 1,
      max_tokens: 5,
      user: 'u',
      tools: [{ type: 'function', function: { name: 'f', parameters: { type: 'object' } } }],
      tool_choice: 'auto',
      response_format: { type: 'json_schema', json_schema: { name: 'r', schema: {}, strict: true } },
      reasoning_effort: 'low',
      stream: true,
      stream_options: { include_usage: true },
    };
    const { wire, report } = openaiChat.renderRequest(parseRequest(body), { upstreamModel: 'm', reasons: true, modelFacts: {} });
    expect(wire).toEqual(body);
    expect(report).toEqual([]);
  });

  it('reports what it cannot say', () => {
    const request = parse({ reasoning_effort: 'high', own: 1 });
    request.tools = [{ type: 'opaque', protocol: 'anthropic-messages', name: 'web_search', value: {} }];
    request.messages.push({ role: 'user', parts: [{ type: 'opaque', protocol: 'anthropic-messages', value: {} }] });
    const { wire, report } = openaiChat.renderRequest(request, { upstreamModel: 'm', reasons: false, modelFacts: {} });
    expect(wire).not.toHaveProperty('reasoning_effort');
    expect(report).toEqual([
      { parameter: 'messages', action: 'dropped', detail: 'anthropic-messages' },
      { parameter: 'tools', action: 'dropped', detail: 'web_search' },
      { parameter: 'reasoning_effort', action: 'dropped' },
      { parameter: 'own', action: 'dropped' },
    ]);
  });

  it('gives what tools returned besides text to the user, after all tool messages', () => {
    const image = { type: 'image' as const, source: { kind: 'inline' as const, mediaType: 'image/png', data: 'AA' } };
    const request = parse({});
    request.messages = [
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', content: [{ type: 'text', text: 't' }, image] }] },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'b', content: [{ type: 'text', text: 'broken' }], isError: true }] },
      { role: 'user', parts: [{ type: 'text', text: 'next' }] },
    ];
    const { wire, report } = openaiChat.renderRequest(request, { upstreamModel: 'm', reasons: false, modelFacts: {} });
    expect(wire['messages']).toEqual([
      { role: 'tool', tool_call_id: 'a', content: 't' },
      { role: 'tool', tool_call_id: 'b', content: 'Error: broken' },
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AA' } }] },
      { role: 'user', content: 'next' },
    ]);
    expect(report).toEqual([{ parameter: 'messages', action: 'emulated', detail: 'tool_result_media' }]);
  });
});

describe('endpoint', () => {
  it.each([
    ['http://127.0.0.1:9001', 'http://127.0.0.1:9001/v1/chat/completions'],
    ['http://127.0.0.1:9001/', 'http://127.0.0.1:9001/v1/chat/completions'],
    ['http://127.0.0.1:9001/v1', 'http://127.0.0.1:9001/v1/chat/completions'],
    ['http://[::1]:9001/v1/', 'http://[::1]:9001/v1/chat/completions'],
    ['https://api.groq.com/openai/v1', 'https://api.groq.com/openai/v1/chat/completions'],
    ['https://api.z.ai/api/paas/v4/', 'https://api.z.ai/api/paas/v4/chat/completions'],
    ['https://x.openai.azure.com/openai/deployments/d?api-version=1', 'https://x.openai.azure.com/openai/deployments/d/chat/completions?api-version=1'],
    ['https://x/v1/chat/completions', 'https://x/v1/chat/completions'],
  ])('%s', (baseUrl, url) => {
    expect(openaiChat.endpoint({ baseUrl, upstreamModel: 'm', stream: false })).toBe(url);
  });
});
