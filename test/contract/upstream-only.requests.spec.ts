import { bedrockConverse } from '../../src/core/protocols/bedrock-converse/index.js';
import { cohereChat } from '../../src/core/protocols/cohere-chat/index.js';
import { encodeEventStream } from '../../src/core/protocols/eventstream/index.js';
import { ollamaChat } from '../../src/core/protocols/ollama-chat/index.js';
import { openaiChat } from '../../src/core/protocols/openai-chat/index.js';
import type { UpstreamProtocol } from '../../src/core/protocols/protocol.js';
import { streamOf } from '../support/upstream-replay.js';

/** What requests of an OpenAI client become in the protocols that no client speaks, and how broken streams of theirs end. */
const PNG = 'data:image/png;base64,iVBORw0KGgo=';
const TOOL = {
  type: 'function',
  function: { name: 'weather', description: 'of a city', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
};
const OTHER = { type: 'function', function: { name: 'time', parameters: { type: 'object', properties: {} } } };
const HISTORY = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Weather?' },
  {
    role: 'assistant',
    content: null,
    reasoning_content: 'I look it up.',
    tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Seoul"}' } }],
  },
  { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
  { role: 'user', content: 'Thanks.' },
];

interface Given {
  model?: string;
  reasons?: boolean;
  facts?: Record<string, unknown>;
}

function rendered(protocol: UpstreamProtocol, wire: Record<string, unknown>, { model = 'm', reasons = true, facts = {} }: Given = {}) {
  const request = openaiChat.parseRequest({ model: 'x', messages: [{ role: 'user', content: 'Hi' }], ...wire });
  const { wire: body, report } = protocol.renderRequest(request, { upstreamModel: model, reasons, modelFacts: facts, maxOutputTokens: 8_000 });
  return {
    body,
    report: Object.fromEntries(report.map(({ parameter, action, detail }) => [parameter, detail === undefined ? action : `${action}:${detail}`])),
  };
}

const CLAUDE = { model: 'us.anthropic.claude-haiku-4-5-20251001-v1:0' };

describe('cohere-chat requests', () => {
  it('keeps roles, calls, results and the plan before a call', () => {
    expect(rendered(cohereChat, { messages: HISTORY, tools: [TOOL] }).body['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        tool_plan: 'I look it up.',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Seoul"}' } }],
      },
      { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
      { role: 'user', content: 'Thanks.' },
    ]);
  });

  it('maps sampling, clamps what Cohere would refuse, reports what it has not', () => {
    const { body, report } = rendered(cohereChat, {
      top_p: 1,
      top_k: 3,
      stop: ['a', 'b', 'c', 'd'],
      frequency_penalty: 1.5,
      seed: 1,
      logit_bias: { 5: 1 },
      user: 'u',
    });
    expect(body).toMatchObject({ p: 0.99, k: 3, stop_sequences: ['a', 'b', 'c', 'd'], frequency_penalty: 1, seed: 1, stream: false });
    expect(report).toEqual({ top_p: 'clamped:0.99', frequency_penalty: 'clamped:1', logit_bias: 'dropped', user: 'dropped' });
  });

  it('tool choice, formats, thinking', () => {
    expect(rendered(cohereChat, { tools: [TOOL, OTHER], tool_choice: { type: 'function', function: { name: 'time' } } }).body).toMatchObject({
      tool_choice: 'REQUIRED',
      tools: [{ function: { name: 'time' } }],
    });
    expect(rendered(cohereChat, { tools: [TOOL], tool_choice: 'none' }).body).toMatchObject({ tool_choice: 'NONE' });
    const schema = { type: 'object', properties: { a: { type: 'string' } }, required: ['a'] };
    expect(
      rendered(cohereChat, { response_format: { type: 'json_schema', json_schema: { name: 'n', schema, strict: true } } }).body['response_format'],
    ).toEqual({ type: 'json_object', json_schema: schema });
    expect(rendered(cohereChat, { reasoning_effort: 'low' }).body['thinking']).toEqual({ type: 'enabled', token_budget: 1_024 });
    expect(rendered(cohereChat, { reasoning_effort: 'none' }).body['thinking']).toEqual({ type: 'disabled' });
    expect(rendered(cohereChat, { reasoning_effort: 'low' }, { reasons: false }).report).toEqual({ reasoning_effort: 'dropped' });
  });
});

describe('ollama-chat requests', () => {
  it('sends images as base64, arguments as objects, results with their tool’s name', () => {
    const image = {
      role: 'user',
      content: [
        { type: 'text', text: 'See' },
        { type: 'image_url', image_url: { url: PNG } },
      ],
    };
    expect(rendered(ollamaChat, { messages: [...HISTORY, image] }).body['messages']).toEqual([
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Weather?' },
      {
        role: 'assistant',
        content: '',
        thinking: 'I look it up.',
        tool_calls: [{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: { city: 'Seoul' } } }],
      },
      { role: 'tool', content: 'sunny', tool_name: 'weather', tool_call_id: 'call_1' },
      { role: 'user', content: 'Thanks.' },
      { role: 'user', content: 'See', images: ['iVBORw0KGgo='] },
    ]);
    const address = { role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.test/a.png' } }] };
    expect(() => rendered(ollamaChat, { messages: [address] })).toThrow('cannot fetch images');
  });

  it('options, the context’s size, formats, thinking', () => {
    const { body, report } = rendered(
      ollamaChat,
      { max_tokens: 5, top_k: 3, response_format: { type: 'json_object' }, tools: [TOOL], tool_choice: 'required', num_ctx: 32_768 },
      { facts: { num_ctx: 4_096 } },
    );
    expect(body).toMatchObject({ options: { num_predict: 5, top_k: 3, num_ctx: 32_768 }, format: 'json', stream: false });
    expect(report).toEqual({ tool_choice: 'dropped' });
    expect(rendered(ollamaChat, {}, { facts: { num_ctx: 4_096 } }).body['options']).toEqual({ num_ctx: 4_096 });
    expect(rendered(ollamaChat, { reasoning_effort: 'high' }).body['think']).toBe(true);
    expect(rendered(ollamaChat, { reasoning_effort: 'xhigh' }, { facts: { think_levels: true } })).toMatchObject({
      body: { think: 'high' },
      report: { reasoning_effort: 'clamped:high' },
    });
    expect(rendered(ollamaChat, { tools: [TOOL], tool_choice: 'none' }).body).not.toHaveProperty('tools');
  });
});

describe('bedrock-converse requests', () => {
  it('alternates turns, names its documents, keeps a toolConfig for the history', () => {
    const file = { type: 'file', file: { filename: 'my report!.pdf', file_data: 'data:application/pdf;base64,JVBERg==' } };
    const { body } = rendered(bedrockConverse, { messages: [...HISTORY, { role: 'user', content: [{ type: 'text', text: 'And' }, file, file] }] }, CLAUDE);
    expect(body).toEqual({
      system: [{ text: 'Be brief.' }],
      messages: [
        { role: 'user', content: [{ text: 'Weather?' }] },
        { role: 'assistant', content: [{ toolUse: { toolUseId: 'call_1', name: 'weather', input: { city: 'Seoul' } } }] },
        {
          role: 'user',
          content: [
            { toolResult: { toolUseId: 'call_1', content: [{ text: 'sunny' }] } },
            { text: 'Thanks.' },
            { text: 'And' },
            { document: { format: 'pdf', name: 'my report', source: { bytes: 'JVBERg==' } } },
            { document: { format: 'pdf', name: 'my report 2', source: { bytes: 'JVBERg==' } } },
          ],
        },
      ],
      toolConfig: { tools: [{ toolSpec: { name: 'weather', description: 'weather', inputSchema: { json: { type: 'object', properties: {} } } } }] },
    });
    expect(() =>
      rendered(bedrockConverse, { messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.test/a.png' } }] }] }, CLAUDE),
    ).toThrow('fetches nothing');
  });

  it('cache points behind what was marked, for models that have them', () => {
    const messages = [{ role: 'user', content: [{ type: 'text', text: 'long', cache_control: { type: 'ephemeral', ttl: '1h' } }] }];
    expect(rendered(bedrockConverse, { messages }, CLAUDE).body['messages']).toEqual([
      { role: 'user', content: [{ text: 'long' }, { cachePoint: { type: 'default', ttl: '1h' } }] },
    ]);
    expect(rendered(bedrockConverse, { messages }, { model: 'meta.llama3-8b-instruct-v1:0' }).body['messages']).toEqual([
      { role: 'user', content: [{ text: 'long' }] },
    ]);
  });

  it('thinking is each family’s own, and limits sampling', () => {
    const budget = rendered(bedrockConverse, { reasoning_effort: 'low', max_tokens: 6_000, temperature: 0.5 }, CLAUDE);
    expect(budget.body).toMatchObject({
      inferenceConfig: { maxTokens: 6_000 },
      additionalModelRequestFields: { thinking: { type: 'enabled', budget_tokens: 2_048 } },
    });
    expect(budget.report).toEqual({ temperature: 'dropped' });
    const adaptive = rendered(bedrockConverse, { reasoning_effort: 'medium' }, { ...CLAUDE, facts: { thinking: 'adaptive', effort: ['low', 'high'] } });
    expect(adaptive.body['additionalModelRequestFields']).toEqual({ thinking: { type: 'adaptive' }, output_config: { effort: 'low' } });
    expect(adaptive.report).toEqual({ reasoning_effort: 'clamped:low' });
    const nova = rendered(bedrockConverse, { reasoning_effort: 'high', max_tokens: 9 }, { model: 'us.amazon.nova-2-lite-v1:0' });
    expect(nova.body).toMatchObject({ additionalModelRequestFields: { reasoningConfig: { type: 'enabled', maxReasoningEffort: 'high' } } });
    expect(nova.body).not.toHaveProperty('inferenceConfig');
    expect(rendered(bedrockConverse, { reasoning_effort: 'high' }, { model: 'openai.gpt-oss-120b-1:0' }).body['additionalModelRequestFields']).toEqual({
      reasoning_effort: 'high',
    });
    expect(rendered(bedrockConverse, { reasoning_effort: 'high' }, { model: 'meta.llama3' }).report).toEqual({ reasoning_effort: 'dropped' });
  });

  it('tool choice, schemas, own members, ids', () => {
    expect(rendered(bedrockConverse, { tools: [TOOL], tool_choice: 'required' }, CLAUDE).body['toolConfig']).toMatchObject({ toolChoice: { any: {} } });
    const response_format = { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' }, strict: true } };
    expect(rendered(bedrockConverse, { response_format }, CLAUDE).body['toolConfig']).toMatchObject({ toolChoice: { tool: { name: 'structured_output' } } });
    expect(rendered(bedrockConverse, { response_format }, { ...CLAUDE, facts: { structured_output: true } }).body['outputConfig']).toMatchObject({
      textFormat: { type: 'json_schema' },
    });
    expect(() => rendered(bedrockConverse, { response_format }, { model: 'meta.llama3' })).toThrow('cannot be bound');
    const guardrailConfig = { guardrailIdentifier: 'g', guardrailVersion: '1' };
    expect(rendered(bedrockConverse, { guardrailConfig, temperature: 1.7 }, CLAUDE)).toMatchObject({
      body: { guardrailConfig, inferenceConfig: { temperature: 1 } },
      report: { temperature: 'clamped:1' },
    });
    const odd = [
      { role: 'user', content: 'a' },
      { role: 'assistant', tool_calls: [{ id: 'fc:1|x', type: 'function', function: { name: 'weather', arguments: '' } }] },
      { role: 'tool', tool_call_id: 'fc:1|x', content: '' },
    ];
    for (const [model, pattern] of [
      ['anthropic.claude', /^[a-zA-Z0-9_-]{1,64}$/],
      ['mistral.mistral-large', /^[a-zA-Z0-9]{9}$/],
    ] as const) {
      const messages = rendered(bedrockConverse, { messages: odd }, { model }).body['messages'] as { content: Record<string, { toolUseId: string }>[] }[];
      const [use, result] = [messages[1]?.content[0]?.['toolUse']?.toolUseId, messages[2]?.content[0]?.['toolResult']?.toolUseId];
      expect(use).toMatch(pattern);
      expect(result).toBe(use);
    }
  });
});

describe('streams that go wrong', () => {
  const frame = (headers: Record<string, string>, payload: unknown) => encodeEventStream(headers, JSON.stringify(payload));
  const text = frame({ ':event-type': 'contentBlockDelta', ':message-type': 'event' }, { contentBlockIndex: 0, delta: { text: 'Hi' } });
  const stop = frame({ ':event-type': 'messageStop', ':message-type': 'event' }, { stopReason: 'end_turn' });

  it.each([
    ['throttlingException', 'upstream_rate_limited'],
    ['validationException', 'invalid_request'],
    ['serviceUnavailableException', 'upstream_overloaded'],
    ['modelStreamErrorException', 'upstream_error'],
    ['internalServerException', 'upstream_error'],
    ['modelTimeoutException', 'upstream_timeout'],
    ['neverHeardOfException', 'upstream_error'],
  ])('Bedrock’s %s in the stream is %s', (name, code) => {
    const exception = frame({ ':exception-type': name, ':message-type': 'exception' }, { message: 'It went wrong' });
    const { failure } = streamOf(bedrockConverse, Buffer.concat([text, exception, stop]), [13]);
    expect(failure).toMatchObject({ code, kind: 'stream-error', message: 'It went wrong', rawCode: name });
  });

  it('a Bedrock stream whose bytes were damaged is refused; one cut behind its end is whole', () => {
    const bytes = Buffer.concat([text, stop]);
    bytes[20] = (bytes[20] as number) ^ 1;
    expect(streamOf(bedrockConverse, bytes, [5]).failure).toMatchObject({ code: 'upstream_invalid_response' });
    expect(streamOf(bedrockConverse, Buffer.concat([text, stop]), [5]).failure).toBeNull();
    expect(streamOf(bedrockConverse, text, [5]).failure).toMatchObject({ code: 'upstream_interrupted' });
  });

  it.each([
    ['ERROR', 'upstream_error'],
    ['TIMEOUT', 'upstream_timeout'],
  ])('Cohere’s finish %s is %s and no finish', (reason, code) => {
    const sse = `data: ${JSON.stringify({ type: 'message-start', id: 'a' })}\n\ndata: ${JSON.stringify({ type: 'message-end', delta: { finish_reason: reason, error: 'broken' } })}\n\n`;
    expect(streamOf(cohereChat, Buffer.from(sse), [7]).failure).toMatchObject({ code, message: 'broken' });
  });

  it('an error in a line of Ollama’s is a failure', () => {
    const lines = `${JSON.stringify({ message: { role: 'assistant', content: 'Hi' }, done: false })}\n${JSON.stringify({ error: 'an error was encountered while running the model' })}\n`;
    expect(streamOf(ollamaChat, Buffer.from(lines), [3]).failure).toMatchObject({ code: 'upstream_error', kind: 'stream-error' });
  });
});
