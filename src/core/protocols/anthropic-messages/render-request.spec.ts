import type { Message } from '../../chat/message.js';
import type { ChatRequest } from '../../chat/request.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { UpstreamRenderContext } from '../protocol.js';
import { renderNativeRequest, renderRequest } from './render-request.js';

const text = (value: string) => ({ type: 'text' as const, text: value });
const said = (role: Message['role'], value: string): Message => ({ role, parts: [text(value)] });
const request = (more: Partial<ChatRequest> = {}): ChatRequest => ({
  model: 'm',
  messages: [said('user', 'hi')],
  tools: [],
  sampling: {},
  stream: false,
  includeUsage: false,
  extra: {},
  wireNames: {},
  ...more,
});
const context = (modelFacts: Record<string, unknown> = {}, more: Partial<UpstreamRenderContext> = {}): UpstreamRenderContext => ({
  upstreamModel: 'claude-up',
  reasons: true,
  modelFacts,
  maxOutputTokens: 64_000,
  ...more,
});

function render(more: Partial<ChatRequest>, facts: Record<string, unknown> = {}) {
  const { wire, report } = renderRequest(request(more), context(facts));
  return { wire, report: report.map((item) => `${item.parameter}=${item.action}${item.detail === undefined ? '' : `:${item.detail}`}`) };
}
const messagesOf = (messages: Message[], facts: Record<string, unknown> = {}) => render({ messages, maxOutputTokens: 9 }, facts).wire;

function refusal(more: Partial<ChatRequest>, facts: Record<string, unknown> = {}): [string, string | null] {
  try {
    render(more, facts);
  } catch (error) {
    if (error instanceof GatewayError) return [error.code, error.param];
    throw error;
  }
  throw new Error('accepted');
}

describe('renderRequest: max_tokens', () => {
  it.each<[string, Partial<ChatRequest>, Partial<UpstreamRenderContext>, number, string[]]>([
    ["the client's", { maxOutputTokens: 5 }, {}, 5, []],
    ["the model's cap, reported", {}, {}, 64_000, ['max_tokens=defaulted:64000']],
    ['4096 without a cap', {}, { maxOutputTokens: undefined }, 4_096, ['max_tokens=defaulted:4096']],
    [
      'clamped to the cap, under the name the client used',
      { maxOutputTokens: 99_999, wireNames: { maxOutputTokens: 'max_completion_tokens' } },
      {},
      64_000,
      ['max_completion_tokens=clamped:64000'],
    ],
  ])('%s', (_name, more, with_, expected, report) => {
    const rendered = renderRequest(request(more), context({}, with_));
    expect(rendered.wire['max_tokens']).toBe(expected);
    expect(rendered.report.map((item) => `${item.parameter}=${item.action}:${String(item.detail)}`)).toEqual(report);
  });
});

describe('renderRequest: conversation', () => {
  it('hoists instructions at the start and keeps later ones in their place', () => {
    const messages = [said('system', 'a'), said('developer', 'b'), said('user', 'c'), said('assistant', 'd'), said('system', 'e')];
    const { wire, report } = render({ messages, maxOutputTokens: 9 });
    expect(wire['system']).toEqual([
      { type: 'text', text: 'a' },
      { type: 'text', text: 'b' },
    ]);
    expect(wire['messages']).toEqual([
      { role: 'user', content: 'c' },
      { role: 'assistant', content: 'd' },
      { role: 'user', content: '<system>\ne\n</system>' },
    ]);
    expect(report).toEqual(['messages[4].role=emulated:user']);
  });

  it('uses role system in mid-conversation where the model takes it', () => {
    const messages = [said('user', 'c'), said('system', 'e'), said('assistant', 'd'), said('user', 'f')];
    expect(messagesOf(messages, { system_messages: true })['messages']).toEqual([
      { role: 'user', content: 'c' },
      { role: 'system', content: 'e' },
      { role: 'assistant', content: 'd' },
      { role: 'user', content: 'f' },
    ]);
  });

  it('merges turns of one role, puts tool results first, drops empty text', () => {
    const messages: Message[] = [
      said('user', 'a'),
      said('user', 'b'),
      {
        role: 'assistant',
        parts: [text(''), { type: 'tool-call', id: 'call:1', name: 'f', arguments: '{"x":1}' }, { type: 'tool-call', id: 'call_1', name: 'g', arguments: '' }],
      },
      said('user', 'wait'),
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'call_1', content: [] }] },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'call:1', content: [text('ok')], isError: true }] },
      said('assistant', '   '),
      said('user', 'go'),
    ];
    expect(messagesOf(messages)['messages']).toEqual([
      {
        role: 'user',
        content: [
          { type: 'text', text: 'a' },
          { type: 'text', text: 'b' },
        ],
      },
      {
        role: 'assistant',
        content: [
          { type: 'tool_use', id: 'call_1_2', name: 'f', input: { x: 1 } },
          { type: 'tool_use', id: 'call_1', name: 'g', input: {} },
        ],
      },
      {
        role: 'user',
        content: [
          { type: 'tool_result', tool_use_id: 'call_1' },
          { type: 'tool_result', tool_use_id: 'call_1_2', content: 'ok', is_error: true },
          { type: 'text', text: 'wait' },
          { type: 'text', text: 'go' },
        ],
      },
    ]);
  });

  it("replays only Anthropic's own signed thinking", () => {
    const messages: Message[] = [
      said('user', 'a'),
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'own', signature: 's', origin: 'anthropic-messages' },
          { type: 'reasoning', text: '', encrypted: 'e', origin: 'anthropic-messages' },
          { type: 'reasoning', text: 'unsigned', origin: 'anthropic-messages' },
          { type: 'reasoning', text: 'foreign', signature: 'x', origin: 'gemini-generate' },
          { type: 'reasoning', text: 'unknown', signature: 'x' },
          { type: 'tool-call', id: 'c', name: 'f', arguments: '{broken' },
        ],
      },
      { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'c', content: [text('r')] }] },
    ];
    expect((messagesOf(messages)['messages'] as { content: unknown }[])[1]?.content).toEqual([
      { type: 'thinking', thinking: 'own', signature: 's' },
      { type: 'redacted_thinking', data: 'e' },
      { type: 'tool_use', id: 'c', name: 'f', input: { raw_arguments: '{broken' } },
    ]);
  });

  it('keeps the digits of long numbers in arguments', () => {
    const messages: Message[] = [
      said('user', 'a'),
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'c', name: 'f', arguments: '{"id":12345678901234567890,"n":[1.5]}' }] },
    ];
    expect(JSON.stringify(messagesOf(messages))).toContain('"input":{"id":12345678901234567890,"n":[1.5]}');
  });

  it('renders media', () => {
    const data = Buffer.from('plain').toString('base64');
    const messages: Message[] = [
      {
        role: 'user',
        parts: [
          { type: 'image', source: { kind: 'url', url: 'https://x/y.png' } },
          { type: 'image', source: { kind: 'url', url: 'data:image/PNG;base64,AA==' } },
          { type: 'file', source: { kind: 'inline', mediaType: 'application/pdf', data: 'BB' }, filename: 'a.pdf', cacheControl: { type: 'ephemeral' } },
          { type: 'file', source: { kind: 'inline', mediaType: 'text/csv', data } },
        ],
      },
    ];
    expect((messagesOf(messages)['messages'] as { content: unknown }[])[0]?.content).toEqual([
      { type: 'image', source: { type: 'url', url: 'https://x/y.png' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AA==' } },
      { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'BB' }, title: 'a.pdf', cache_control: { type: 'ephemeral' } },
      { type: 'document', source: { type: 'text', media_type: 'text/plain', data: 'plain' } },
    ]);
  });

  it('cuts white space at the end of a prefill, or refuses one where the model does', () => {
    const messages = [said('user', 'a'), said('assistant', 'The answer is ')];
    const { wire, report } = render({ messages, maxOutputTokens: 9 });
    expect((wire['messages'] as unknown[])[1]).toEqual({ role: 'assistant', content: 'The answer is' });
    expect(report).toEqual(['messages[1]=clamped:trailing white space']);
    expect(refusal({ messages }, { prefill: false })).toEqual(['unsupported_parameter', 'messages[1]']);
  });

  it.each<[string, Partial<ChatRequest>, string]>([
    [
      'sound',
      { messages: [{ role: 'user', parts: [text('x'), { type: 'audio', source: { kind: 'inline', mediaType: 'audio/wav', data: '' } }] }] },
      'messages[0].content[1]',
    ],
    [
      'blocks of another protocol',
      { messages: [{ role: 'user', parts: [{ type: 'opaque', protocol: 'gemini-generate', value: {} }] }] },
      'messages[0].content[0]',
    ],
    [
      'images of other types',
      { messages: [{ role: 'user', parts: [{ type: 'image', source: { kind: 'inline', mediaType: 'image/tiff', data: '' } }] }] },
      'messages[0].content[0]',
    ],
    [
      'image addresses of other schemes',
      { messages: [{ role: 'user', parts: [{ type: 'image', source: { kind: 'url', url: 'file:///etc/passwd' } }] }] },
      'messages[0].content[0]',
    ],
    ['tools of another protocol', { tools: [{ type: 'opaque', protocol: 'openai-chat', value: {} }] }, 'tools[0]'],
    ['several choices', { sampling: { n: 2 } }, 'n'],
    ['sound as an answer', { modalities: ['text', 'audio'] }, 'modalities'],
  ])('refuses %s, naming it', (_name, more, param) => {
    expect(refusal(more)).toEqual(['unsupported_parameter', param]);
  });

  it('refuses a conversation without content', () => {
    expect(refusal({ messages: [said('system', 'a'), said('user', ' ')] })).toEqual(['invalid_request', 'messages']);
  });
});

describe('renderRequest: parameters', () => {
  it('reports what has no equal, in the client’s words', () => {
    const { report } = render({
      maxOutputTokens: 9,
      sampling: { seed: 1, presencePenalty: 0.5, logitBias: { a: 1 }, logprobs: true, temperature: 1.5 },
      promptCacheKey: 'k',
      metadata: { a: 1 },
      serviceTier: 'flex',
      extra: { foo: 1 },
      wireNames: { presencePenalty: 'presencePenalty' },
    });
    expect(report.sort()).toEqual(
      [
        'foo=dropped',
        'logit_bias=dropped',
        'logprobs=dropped',
        'metadata=dropped',
        'presencePenalty=dropped',
        'prompt_cache_key=dropped',
        'seed=dropped',
        'service_tier=dropped',
        'temperature=clamped:1',
      ].sort(),
    );
  });

  it.each<[string, Record<string, unknown>, Partial<ChatRequest>, Record<string, unknown>, string[]]>([
    ['temperature wins over top_p', {}, {}, { temperature: 0.5, top_k: 4 }, ['top_p=dropped']],
    ['both where the model takes both', { sampling: true }, {}, { temperature: 0.5, top_p: 0.9, top_k: 4 }, []],
    ['none where the model takes none', { sampling: false }, {}, {}, ['temperature=dropped', 'top_k=dropped', 'top_p=dropped']],
    ['none while it thinks', { sampling: true }, { reasoning: { effort: 'low' } }, {}, ['temperature=dropped', 'top_k=dropped', 'top_p=dropped']],
  ])('sampling: %s', (_name, facts, more, expected, report) => {
    const rendered = render({ maxOutputTokens: 9_000, sampling: { temperature: 0.5, topP: 0.9, topK: 4 }, ...more }, facts);
    const { temperature, top_p, top_k } = rendered.wire;
    expect(JSON.parse(JSON.stringify({ temperature, top_p, top_k }))).toEqual(expected);
    expect(rendered.report.sort()).toEqual(report);
  });

  it('drops stop sequences without a visible character', () => {
    expect(render({ maxOutputTokens: 9, sampling: { stop: ['\n', 'END'] } })).toMatchObject({
      wire: { stop_sequences: ['END'] },
      report: ['stop=clamped:white space only'],
    });
  });

  it('maps tools and their choice', () => {
    const tools: ChatRequest['tools'] = [
      { type: 'function', name: 'f', description: 'd', strict: true },
      { type: 'function', name: 'g', parameters: { type: 'object', properties: {} } },
    ];
    const { wire, report } = render({ maxOutputTokens: 9, tools, toolChoice: { type: 'required' }, parallelToolCalls: false });
    expect(wire['tools']).toEqual([
      { name: 'f', description: 'd', input_schema: { type: 'object', properties: {} } },
      { name: 'g', input_schema: { type: 'object', properties: {} } },
    ]);
    expect(wire['tool_choice']).toEqual({ type: 'any', disable_parallel_tool_use: true });
    expect(report).toEqual(['tools.strict=dropped']);
    expect(render({ tools, toolChoice: { type: 'allowed', mode: 'auto', names: ['g'] } }).wire).toMatchObject({
      tools: [{ name: 'g' }],
      tool_choice: { type: 'auto' },
    });
    expect(render({ tools, parallelToolCalls: false }).wire['tool_choice']).toEqual({ type: 'auto', disable_parallel_tool_use: true });
  });

  it('names who is behind the request', () => {
    expect(render({ user: 'u', serviceTier: 'default' }).wire).toMatchObject({ metadata: { user_id: 'u' }, service_tier: 'standard_only' });
  });
});

describe('renderRequest: reasoning', () => {
  const loop: Message[] = [
    said('user', 'a'),
    { role: 'assistant', parts: [{ type: 'tool-call', id: 'c', name: 'f', arguments: '{}' }] },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'c', content: [] }] },
  ];
  const tools: ChatRequest['tools'] = [{ type: 'function', name: 'f' }];
  it.each<[string, Partial<ChatRequest>, Record<string, unknown>, unknown, unknown, string[]]>([
    ['effort as a budget', { reasoning: { effort: 'high' }, maxOutputTokens: 32_000 }, {}, { type: 'enabled', budget_tokens: 16_384 }, undefined, []],
    [
      'a budget that leaves room for the answer',
      { reasoning: { effort: 'high' }, maxOutputTokens: 4_000 },
      {},
      { type: 'enabled', budget_tokens: 3_200 },
      undefined,
      [],
    ],
    [
      'nothing below the floor',
      { reasoning: { effort: 'high' }, maxOutputTokens: 1_000 },
      {},
      undefined,
      undefined,
      ['reasoning_effort=dropped:max_tokens leaves less than 1024'],
    ],
    [
      "the client's budget",
      { reasoning: { enabled: true, budgetTokens: 5_000 }, maxOutputTokens: 6_000 },
      {},
      { type: 'enabled', budget_tokens: 5_000 },
      undefined,
      [],
    ],
    [
      'adaptive with effort',
      { reasoning: { effort: 'medium' }, maxOutputTokens: 100 },
      { thinking: 'adaptive' },
      { type: 'adaptive' },
      { effort: 'medium' },
      [],
    ],
    [
      'the nearest effort',
      { reasoning: { effort: 'xhigh' }, maxOutputTokens: 100 },
      { thinking: 'adaptive' },
      { type: 'adaptive' },
      { effort: 'high' },
      ['reasoning_effort=clamped:high'],
    ],
    [
      'the lowest effort for minimal',
      { reasoning: { effort: 'minimal' }, maxOutputTokens: 100 },
      { thinking: 'adaptive', effort: ['low', 'high'] },
      { type: 'adaptive' },
      { effort: 'low' },
      ['reasoning_effort=clamped:low'],
    ],
    [
      'a budget on an adaptive model',
      { reasoning: { enabled: true, budgetTokens: 5_000 }, maxOutputTokens: 100 },
      { thinking: 'adaptive' },
      { type: 'adaptive' },
      undefined,
      ['reasoning_effort=emulated:adaptive'],
    ],
    [
      'a budget where both work',
      { reasoning: { enabled: true, budgetTokens: 5_000 }, maxOutputTokens: 9_000 },
      { thinking: 'both' },
      { type: 'enabled', budget_tokens: 5_000 },
      undefined,
      [],
    ],
    [
      'display where the model hides its thoughts',
      { reasoning: { effort: 'low' }, maxOutputTokens: 100 },
      { thinking: 'adaptive', thinking_display: true },
      { type: 'adaptive', display: 'summarized' },
      { effort: 'low' },
      [],
    ],
    ['off', { reasoning: { effort: 'none' }, maxOutputTokens: 100 }, { thinking: 'adaptive' }, { type: 'disabled' }, undefined, []],
    [
      'off where it cannot be',
      { reasoning: { effort: 'none' }, maxOutputTokens: 100 },
      { thinking: 'adaptive', thinking_off: false },
      undefined,
      undefined,
      ['reasoning_effort=dropped:the model always thinks'],
    ],
    [
      'off as between_tools, effort no higher than high',
      { reasoning: { enabled: false, effort: 'max' }, maxOutputTokens: 100 },
      { thinking: 'adaptive', thinking_off: 'between_tools' },
      { type: 'between_tools' },
      { effort: 'high' },
      ['reasoning_effort=emulated:between_tools', 'reasoning_effort=clamped:high'],
    ],
    [
      'a model that does not think',
      { reasoning: { effort: 'low' }, maxOutputTokens: 100 },
      { thinking: 'none' },
      undefined,
      undefined,
      ['reasoning_effort=dropped:the model does not think'],
    ],
    [
      'a forced tool',
      { reasoning: { effort: 'low' }, maxOutputTokens: 9_000, tools, toolChoice: { type: 'required' } },
      {},
      undefined,
      undefined,
      ['reasoning_effort=dropped:a tool is forced'],
    ],
    [
      'a tool loop without signatures',
      { reasoning: { effort: 'low' }, maxOutputTokens: 9_000, tools, messages: loop },
      {},
      undefined,
      undefined,
      ['reasoning_effort=dropped:the history lacks the signed thinking of its tool calls'],
    ],
    [
      'the same on an adaptive model',
      { reasoning: { effort: 'low' }, maxOutputTokens: 9_000, tools, messages: loop },
      { thinking: 'adaptive' },
      { type: 'adaptive' },
      { effort: 'low' },
      [],
    ],
  ])('%s', (_name, more, facts, thinking, output, report) => {
    const rendered = render(more, facts);
    expect([rendered.wire['thinking'], rendered.wire['output_config'], rendered.report]).toEqual([thinking, output, report]);
  });

  it('a model that always thinks is not forced', () => {
    const { wire, report } = render(
      { reasoning: { effort: 'low' }, maxOutputTokens: 9, tools, toolChoice: { type: 'tool', name: 'f' } },
      { thinking: 'adaptive', thinking_off: false },
    );
    expect(wire['tool_choice']).toEqual({ type: 'auto' });
    expect(report).toEqual(['tool_choice=clamped:auto']);
    expect(render({ maxOutputTokens: 9, tools, toolChoice: { type: 'required' } }, { forced_tools: false })).toMatchObject({
      wire: { tool_choice: { type: 'auto' } },
      report: ['tool_choice=clamped:auto'],
    });
    expect(refusal({ responseFormat: { type: 'json-schema', name: 'x', schema: { type: 'object' }, strict: true } }, { forced_tools: false })).toEqual([
      'unsupported_parameter',
      'response_format',
    ]);
  });
});

describe('renderRequest: answer format', () => {
  const schema = {
    type: 'object',
    properties: { age: { type: 'integer', minimum: 1 }, tags: { type: 'array', items: { type: 'string' } } },
    required: ['age'],
  };
  const format = { type: 'json-schema' as const, name: 'person', schema, strict: true };

  it('is the model’s own where it has one, narrowed to what it compiles', () => {
    const { wire, report } = render({ maxOutputTokens: 9, responseFormat: format }, { structured_output: true });
    expect(wire['output_config']).toEqual({
      format: {
        type: 'json_schema',
        schema: { ...schema, properties: { age: { type: 'integer', description: '(minimum: 1)' }, tags: schema.properties.tags }, additionalProperties: false },
      },
    });
    expect(report).toEqual(['response_format=clamped:schema narrowed to the supported subset']);
  });

  it('is a forced tool elsewhere', () => {
    const { wire, report } = render({ maxOutputTokens: 9, responseFormat: format });
    expect(wire['tools']).toMatchObject([{ name: 'og_json_response', input_schema: schema }]);
    expect(wire['tool_choice']).toMatchObject({ type: 'tool', name: 'og_json_response' });
    expect(report).toEqual(['response_format=emulated:forced tool']);
  });

  it('refuses a strict schema that cannot be enforced, and asks for a loose one in words', () => {
    const tools: ChatRequest['tools'] = [{ type: 'function', name: 'f' }];
    expect(refusal({ responseFormat: format, tools })).toEqual(['unsupported_parameter', 'response_format']);
    const loose = render({ maxOutputTokens: 9, responseFormat: { ...format, strict: false }, tools });
    expect(loose.report).toEqual(['response_format=emulated:instruction']);
    expect(JSON.stringify(loose.wire['system'])).toContain('JSON Schema');
    expect(render({ maxOutputTokens: 9, responseFormat: { type: 'json' } }).report).toEqual(['response_format=emulated:instruction']);
  });
});

describe('renderNativeRequest', () => {
  it('changes the model only, and leaves every other member the identical object', () => {
    const wire = { model: 'public', messages: [{ role: 'user', content: [] }], unknown: { deep: [1] }, stream: true };
    const { wire: native, report } = renderNativeRequest(wire, request({ stream: true }), context());
    expect(native).toEqual({ ...wire, model: 'claude-up' });
    expect(native['unknown']).toBe(wire.unknown);
    expect(wire.model).toBe('public');
    expect(report).toEqual([]);
  });
});
