import fc from 'fast-check';
import type { Message } from '../../chat/message.js';
import type { ChatRequest } from '../../chat/request.js';
import { GatewayError } from '../../errors/gateway-error.js';
import type { UpstreamRenderContext } from '../protocol.js';
import { geminiGenerate } from './index.js';

const user = (text: string): Message => ({ role: 'user', parts: [{ type: 'text', text }] });

function request(change: Partial<ChatRequest> = {}): ChatRequest {
  return { model: 'm', messages: [user('hi')], tools: [], sampling: {}, stream: false, includeUsage: false, extra: {}, wireNames: {}, ...change };
}

function context(upstreamModel = 'gemini-2.5-flash', modelFacts: Record<string, unknown> = {}): UpstreamRenderContext {
  return { upstreamModel, reasons: true, modelFacts };
}

const render = (change: Partial<ChatRequest>, model?: string, facts?: Record<string, unknown>) =>
  geminiGenerate.renderRequest(request(change), context(model, facts));

function refusal(work: () => unknown): GatewayError {
  try {
    work();
  } catch (error) {
    if (error instanceof GatewayError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

describe('rendering messages', () => {
  const history: Message[] = [
    { role: 'system', parts: [{ type: 'text', text: 'Be brief.' }] },
    { role: 'developer', parts: [{ type: 'text', text: 'In Korean.' }] },
    user('one'),
    user('two'),
    {
      role: 'assistant',
      parts: [
        { type: 'reasoning', text: 'hm', origin: 'anthropic-messages', signature: 'foreign' },
        { type: 'tool-call', id: 'a', name: 'first', arguments: '{"x":1}' },
        { type: 'tool-call', id: 'b', name: 'second', arguments: '' },
      ],
    },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'b', content: [{ type: 'text', text: 'plain' }] }] },
    { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', content: [{ type: 'text', text: '{"ok":true}' }] }] },
  ];

  it('joins system and developer, merges neighbours, finds the functions of results and puts them in the order of the calls', () => {
    expect(render({ messages: history }).wire).toEqual({
      systemInstruction: { parts: [{ text: 'Be brief.' }, { text: 'In Korean.' }] },
      contents: [
        { role: 'user', parts: [{ text: 'one' }, { text: 'two' }] },
        {
          role: 'model',
          parts: [
            { text: 'hm', thought: true },
            { functionCall: { id: 'a', name: 'first', args: { x: 1 } } },
            { functionCall: { id: 'b', name: 'second', args: {} } },
          ],
        },
        {
          role: 'user',
          parts: [
            { functionResponse: { id: 'a', name: 'first', response: { ok: true } } },
            { functionResponse: { id: 'b', name: 'second', response: { result: 'plain' } } },
          ],
        },
      ],
    });
  });

  it('gives Gemini 3 the documented signature for calls it did not make, and only on the first of a step', () => {
    const { contents } = render({ messages: history }, 'gemini-3-pro-preview').wire as { contents: { parts: Record<string, unknown>[] }[] };
    expect(contents[1]?.parts.map((part) => part['thoughtSignature'])).toEqual([undefined, 'skip_thought_signature_validator', undefined]);
  });

  it('replays a signature on the part it came with', () => {
    const wire = {
      contents: [
        { role: 'user', parts: [{ text: 'q' }] },
        {
          role: 'model',
          parts: [
            { text: 'thinking', thought: true, thoughtSignature: 'a' },
            { text: 'answer', thoughtSignature: 'b' },
            { functionCall: { id: 'c', name: 'f', args: {} }, thoughtSignature: 'c' },
            { text: '', thoughtSignature: 'd' },
          ],
        },
      ],
    };
    expect(geminiGenerate.renderRequest(geminiGenerate.parseRequest(wire), context()).wire).toEqual(wire);
  });

  it('never sends $ref inside a function response as structure', () => {
    for (const text of ['{"schema":{"$ref":"#/$defs/A"}}', '{"\\u0024defs":{}}']) {
      const messages: Message[] = [
        user('q'),
        { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
        { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'a', content: [{ type: 'text', text }] }] },
      ];
      expect(render({ messages }).wire['contents']).toMatchObject([{}, {}, { parts: [{ functionResponse: { response: { result: text } } }] }]);
    }
  });

  it('puts media of results inside for Gemini 3, beside for older models', () => {
    const messages: Message[] = [
      user('q'),
      { role: 'assistant', parts: [{ type: 'tool-call', id: 'a', name: 'f', arguments: '{}' }] },
      {
        role: 'tool',
        parts: [{ type: 'tool-result', toolCallId: 'a', content: [{ type: 'image', source: { kind: 'inline', mediaType: 'image/png', data: 'AA' } }] }],
      },
    ];
    expect(render({ messages }, 'gemini-3.5-flash').wire['contents']).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { parts: [{ inlineData: { mimeType: 'image/png' } }] } }] },
    ]);
    expect(render({ messages }).wire['contents']).toMatchObject([
      {},
      {},
      { parts: [{ functionResponse: { response: { result: '' } } }, { inlineData: { data: 'AA' } }] },
    ]);
  });

  it('names a result that answers no call', () => {
    const messages: Message[] = [user('q'), { role: 'tool', parts: [{ type: 'tool-result', toolCallId: 'nobody', content: [] }] }];
    expect(refusal(() => render({ messages }))).toMatchObject({ code: 'invalid_request', param: 'messages[1].tool_call_id' });
  });

  it('inlines data, passes addresses on where the model fetches them, and names the part where it does not', () => {
    const at = (url: string): Message[] => [
      {
        role: 'user',
        parts: [
          { type: 'text', text: 'see' },
          { type: 'image', source: { kind: 'url', url } },
        ],
      },
    ];
    expect(render({ messages: at('data:image/gif;base64,R0lG') }).wire['contents']).toMatchObject([
      { parts: [{}, { inlineData: { mimeType: 'image/gif', data: 'R0lG' } }] },
    ]);
    expect(render({ messages: at('https://example.test/a.webp?x=1') }).wire['contents']).toMatchObject([
      { parts: [{}, { fileData: { mimeType: 'image/webp', fileUri: 'https://example.test/a.webp?x=1' } }] },
    ]);
    expect(refusal(() => render({ messages: at('https://example.test/a.webp') }, 'gemini-2.0-flash'))).toMatchObject({
      status: 400,
      param: 'messages[0].content[1]',
    });
    expect(refusal(() => render({ messages: at('file:///etc/passwd') })).param).toBe('messages[0].content[1]');
  });

  it('refuses what only another provider understands in what the user sent, and leaves it out of what the model said', () => {
    const opaque = { type: 'opaque', protocol: 'anthropic-messages', value: {} } as const;
    expect(refusal(() => render({ messages: [{ role: 'user', parts: [opaque] }] }))).toMatchObject({
      code: 'unsupported_parameter',
      param: 'messages[0].content[0]',
    });
    expect(render({ messages: [user('q'), { role: 'assistant', parts: [opaque, { type: 'text', text: 'a' }] }] }).wire['contents']).toMatchObject([
      {},
      { parts: [{ text: 'a' }] },
    ]);
  });
});

describe('rendering parameters', () => {
  it('names dropped and clamped parameters as the client did', () => {
    const { wire, report } = render({
      sampling: { temperature: 0.5, topP: 0.9, stop: ['1', '2', '3', '4', '5', '6'], n: 2, logitBias: { '1': 1 }, logprobs: true, topLogprobs: 3, seed: 7 },
      maxOutputTokens: 10,
      user: 'u',
      metadata: { a: 1 },
      parallelToolCalls: false,
      serviceTier: 'priority',
      promptCacheKey: 'k',
      extra: { unknown_thing: 1, safetySettings: [] },
      wireNames: { stop: 'stop', parallelToolCalls: 'parallel_tool_calls' },
    });
    expect(wire['generationConfig']).toEqual({
      temperature: 0.5,
      topP: 0.9,
      maxOutputTokens: 10,
      stopSequences: ['1', '2', '3', '4', '5'],
      candidateCount: 2,
      seed: 7,
      responseLogprobs: true,
      logprobs: 3,
    });
    expect(wire['safetySettings']).toEqual([]);
    expect(report).toEqual([
      { parameter: 'stop', action: 'clamped', detail: '5' },
      { parameter: 'logit_bias', action: 'dropped' },
      { parameter: 'user', action: 'dropped' },
      { parameter: 'metadata', action: 'dropped' },
      { parameter: 'parallel_tool_calls', action: 'dropped' },
      { parameter: 'service_tier', action: 'dropped' },
      { parameter: 'unknown_thing', action: 'dropped' },
    ]);
  });

  it.each([
    ['gemini-2.5-flash', { effort: 'medium' }, { thinkingBudget: 8192, includeThoughts: true }, []],
    ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }, []],
    ['gemini-2.5-pro', { effort: 'none' }, { thinkingBudget: 128 }, ['clamped']],
    ['gemini-2.5-flash-lite', { budgetTokens: 100 }, { thinkingBudget: 512, includeThoughts: true }, ['clamped']],
    ['gemini-2.5-pro', { enabled: true }, { thinkingBudget: -1, includeThoughts: true }, []],
    ['gemini-3-pro-preview', { effort: 'medium' }, { thinkingLevel: 'high', includeThoughts: true }, ['clamped']],
    ['gemini-3.1-pro-preview', { effort: 'medium' }, { thinkingLevel: 'medium', includeThoughts: true }, []],
    ['gemini-3.5-flash', { effort: 'minimal' }, { thinkingLevel: 'minimal', includeThoughts: true }, []],
    ['gemini-3.5-flash', { effort: 'max' }, { thinkingLevel: 'high', includeThoughts: true }, ['clamped']],
    ['gemini-3.5-flash', { enabled: false }, { thinkingLevel: 'minimal' }, ['clamped']],
    ['gemini-3.5-flash', { budgetTokens: 512, summary: 'none' }, { thinkingBudget: 512, includeThoughts: false }, []],
  ] as const)('%s with %j thinks as %j', (model, reasoning, expected, actions) => {
    const { wire, report } = render({ reasoning }, model);
    expect(wire['generationConfig']).toEqual({ thinkingConfig: expected });
    expect(report.map((item) => item.action)).toEqual(actions);
  });

  it('drops reasoning for a model that cannot, with a word', () => {
    expect(
      geminiGenerate.renderRequest(request({ reasoning: { effort: 'low' } }), { upstreamModel: 'gemini-2.0-flash', reasons: false, modelFacts: {} }),
    ).toEqual({ wire: { contents: [{ role: 'user', parts: [{ text: 'hi' }] }] }, report: [{ parameter: 'reasoning_effort', action: 'dropped' }] });
  });

  it('sends full JSON Schema where it is known, the subset where it is not', () => {
    const parameters = { $schema: 's', type: 'object', properties: { a: { type: ['string', 'null'] } }, additionalProperties: false };
    const change: Partial<ChatRequest> = {
      tools: [{ type: 'function', name: 'f', parameters }],
      responseFormat: { type: 'json-schema', name: 'r', schema: parameters },
    };
    const full = render(change).wire;
    expect(full['tools']).toEqual([
      {
        functionDeclarations: [
          { name: 'f', parametersJsonSchema: { type: 'object', properties: { a: { type: ['string', 'null'] } }, additionalProperties: false } },
        ],
      },
    ]);
    expect(full['generationConfig']).toEqual({
      responseMimeType: 'application/json',
      responseJsonSchema: { type: 'object', properties: { a: { type: ['string', 'null'] } }, additionalProperties: false },
    });
    const subset = render(change, 'gemini-1.5-pro').wire;
    expect(subset['tools']).toEqual([
      { functionDeclarations: [{ name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } } }] },
    ]);
    expect(subset['generationConfig']).toEqual({
      responseMimeType: 'application/json',
      responseSchema: { type: 'OBJECT', properties: { a: { type: 'STRING', nullable: true } } },
    });
  });

  it.each([
    [undefined, undefined],
    [{ type: 'auto' }, { mode: 'AUTO' }],
    [{ type: 'none' }, { mode: 'NONE' }],
    [{ type: 'required' }, { mode: 'ANY' }],
    [
      { type: 'tool', name: 'f' },
      { mode: 'ANY', allowedFunctionNames: ['f'] },
    ],
    [
      { type: 'allowed', mode: 'auto', names: ['f'] },
      { mode: 'VALIDATED', allowedFunctionNames: ['f'] },
    ],
    [
      { type: 'allowed', mode: 'required', names: ['f', 'g'] },
      { mode: 'ANY', allowedFunctionNames: ['f', 'g'] },
    ],
  ] as const)('tool choice %j is %j', (toolChoice, functionCallingConfig) => {
    const { wire } = render({
      tools: [
        { type: 'function', name: 'f' },
        { type: 'function', name: 'g' },
      ],
      toolChoice: toolChoice as ChatRequest['toolChoice'],
    });
    expect(wire['toolConfig']).toEqual(functionCallingConfig === undefined ? undefined : { functionCallingConfig });
  });
});

describe('parsing requests', () => {
  it('reads both spellings, matches responses to calls without ids, and keeps what it does not know', () => {
    const parsed = geminiGenerate.parseRequest({
      model: 'models/gemini-x',
      system_instruction: { parts: [{ text: 's' }] },
      contents: [
        { parts: [{ inline_data: { mime_type: 'image/png', data: 'AA' } }] },
        { role: 'model', parts: [{ function_call: { name: 'f', args: { a: 1 } } }, { functionCall: { name: 'f', args: { a: 2 } } }] },
        {
          role: 'function',
          parts: [{ function_response: { name: 'f', response: { r: 1 } } }, { functionResponse: { name: 'f', response: { error: 'no' } } }, { text: 'go on' }],
        },
      ],
      tools: [
        { function_declarations: [{ name: 'f', parameters: { type: 'OBJECT', properties: { a: { type: 'INTEGER', nullable: true } } } }] },
        { googleSearch: {} },
      ],
      tool_config: { function_calling_config: { mode: 'any', allowed_function_names: ['f'] } },
      generation_config: { max_output_tokens: 5, thinking_config: { thinking_budget: 100 }, media_resolution: 'MEDIA_RESOLUTION_LOW' },
      cachedContent: 'cachedContents/1',
    });
    expect(parsed).toMatchObject({
      model: 'gemini-x',
      maxOutputTokens: 5,
      reasoning: { budgetTokens: 100, summary: 'none' },
      toolChoice: { type: 'tool', name: 'f' },
      tools: [
        { name: 'f', parameters: { type: 'object', properties: { a: { type: ['integer', 'null'] } } } },
        { type: 'opaque', protocol: 'gemini-generate', name: 'google_search', value: { googleSearch: {} } },
      ],
      extra: { cachedContent: 'cachedContents/1', generationConfig: { media_resolution: 'MEDIA_RESOLUTION_LOW' } },
      wireNames: { maxOutputTokens: 'generation_config.max_output_tokens' },
    });
    expect(parsed.messages.map((message) => message.role)).toEqual(['system', 'user', 'assistant', 'tool', 'user']);
    expect(parsed.messages[2]?.parts).toMatchObject([{ id: 'call_1_0' }, { id: 'call_1_1' }]);
    expect(parsed.messages[3]?.parts).toMatchObject([
      { toolCallId: 'call_1_0', content: [{ text: '{"r":1}' }] },
      { toolCallId: 'call_1_1', isError: true, content: [{ text: 'no' }] },
    ]);
  });

  it.each([
    [null, ''],
    [{}, 'contents'],
    [{ contents: [] }, 'contents'],
    [{ contents: [7] }, 'contents[0]'],
    [{ contents: [{ role: 'assistant', parts: [] }] }, 'contents[0].role'],
    [{ contents: [{ parts: 'x' }] }, 'contents[0].parts'],
    [{ contents: [{ parts: ['x'] }] }, 'contents[0].parts[0]'],
    [{ contents: [{ parts: [{ functionCall: {} }] }] }, 'contents[0].parts[0].functionCall.name'],
    [{ contents: [{ parts: [] }], generationConfig: { temperature: 'hot' } }, 'generationConfig.temperature'],
    [{ contents: [{ parts: [] }], generation_config: { topK: 1.5, candidate_count: 1.5 } }, 'generation_config.candidate_count'],
    [{ contents: [{ parts: [] }], tools: [{ functionDeclarations: [{}] }] }, 'tools[0].functionDeclarations[0].name'],
    [{ contents: [{ parts: [] }], toolConfig: { functionCallingConfig: { mode: 'MAYBE' } } }, 'toolConfig.functionCallingConfig.mode'],
  ])('names what is wrong with %j', (body, param) => {
    expect(refusal(() => geminiGenerate.parseRequest(body))).toMatchObject({ code: 'invalid_request', param });
  });

  it('takes any JSON at all for a request or refuses it with a path, and sends on whatever it took', () => {
    const value = fc.jsonValue({ maxDepth: 2 });
    const part = fc.record(
      {
        text: value,
        thought: value,
        thoughtSignature: value,
        functionCall: value,
        functionResponse: value,
        inlineData: value,
        function_call: fc.record({ name: fc.string(), args: value }),
      },
      { requiredKeys: [] },
    );
    const contents = fc.array(
      fc.oneof(
        value,
        fc.record({ role: fc.constantFrom('user', 'model', 'function', 7), parts: fc.oneof(value, fc.array(fc.oneof(value, part))) }, { requiredKeys: [] }),
      ),
      { maxLength: 4 },
    );
    const body = fc.record(
      {
        contents,
        tools: value,
        toolConfig: value,
        generationConfig: fc.oneof(value, fc.record({ thinkingConfig: value, stopSequences: value, responseMimeType: value, responseSchema: value })),
        systemInstruction: value,
        model: value,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fc.oneof(value, body), (wire) => {
        try {
          const parsed = geminiGenerate.parseRequest(wire);
          for (const model of ['gemini-1.5-pro', 'gemini-3.5-flash']) geminiGenerate.renderRequest(parsed, context(model));
        } catch (error) {
          if (!(error instanceof GatewayError)) throw error;
          expect(error.status).toBe(400);
        }
      }),
      { numRuns: 1_000 },
    );
  });

  it('passes a native body on as the identical members', () => {
    const wire = { contents: [{ parts: [{ text: 'x' }] }], model: 'models/alias', futureMember: { big: 1 } };
    const rendered = geminiGenerate.renderNativeRequest(wire, request(), context('gemini-2.5-pro')).wire;
    expect(rendered).toEqual({ ...wire, model: 'models/gemini-2.5-pro' });
    expect(rendered['contents']).toBe(wire.contents);
  });
});

describe('endpoint', () => {
  it.each([
    [
      'https://generativelanguage.googleapis.com',
      'gemini-2.5-pro',
      false,
      'https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-pro:generateContent',
    ],
    ['http://127.0.0.1:9001/', 'models/gemini-2.5-pro', true, 'http://127.0.0.1:9001/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse'],
    ['http://127.0.0.1:9001/v1beta/models/', 'a/../b', false, 'http://127.0.0.1:9001/v1beta/models/a%2F..%2Fb:generateContent'],
    ['http://h/proxy/v1', 'x?y#z', false, 'http://h/proxy/v1/models/x%3Fy%23z:generateContent'],
    [
      'https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers/google',
      'gemini-x',
      true,
      'https://eu-aiplatform.googleapis.com/v1/projects/p/locations/eu/publishers/google/models/gemini-x:streamGenerateContent?alt=sse',
    ],
    ['http://h', 'tunedModels/mine', false, 'http://h/v1beta/tunedModels/mine:generateContent'],
  ])('%s + %s', (baseUrl, upstreamModel, stream, url) => {
    expect(geminiGenerate.endpoint({ baseUrl, upstreamModel, stream })).toBe(url);
  });
});
