import { UPSTREAM_ONLY_FIXTURES } from './upstream-only-fixtures.js';
/** Own fixtures, one set per definition: what its servers answer, in its own way of writing. */
export interface ProviderFixture {
  /** Upstream model to ask for. */
  model: string;
  /** What every answer below says. */
  text: string;
  reasoning: string;
  usage: { input: number; cacheRead: number; output: number; reasoning: number };
  /** A whole answer with reasoning, text and usage. */
  answer: unknown;
  /** The same as server-sent events, or in the protocol's own frames. */
  stream: string;
  /** Every character of the streams is a byte. */
  binary?: true;
  /** What ends a frame; default an empty line. */
  frameEnd?: string;
  /** A stream that calls `weather({"city":"Seoul"})`; null for a provider that takes no tools. */
  toolStream: string | null;
  error: { status: number; body: unknown; code: string; message: string };
  /** Members the request on the wire must not have after `REQUEST` of the test was rendered. */
  absent: readonly string[];
  /** Members it must have. */
  present: Readonly<Record<string, unknown>>;
  /** Names in the parameter report, beside whatever else stands there. */
  reported: readonly string[];
}

const TEXT = 'Seoul is sunny.';
const THOUGHT = 'The user wants the weather.';
const USAGE = { input: 8, cacheRead: 4, output: 5, reasoning: 6 };

const sse = (frames: readonly unknown[], end = 'data: [DONE]\n\n'): string => frames.map((frame) => `data: ${JSON.stringify(frame)}\n\n`).join('') + end;

export interface OpenAiStyle {
  /** Reasoning stands inside the text, between `<think>` tags. */
  tags?: boolean;
  /** Delta or message members that hold a piece of reasoning. */
  thought?: (text: string) => Record<string, unknown>;
  usage?: Record<string, unknown>;
  /** Where the stream's usage stands. */
  usageFrame?: (usage: unknown) => Record<string, unknown>;
}

const OPENAI_USAGE = {
  prompt_tokens: 12,
  completion_tokens: 11,
  total_tokens: 23,
  prompt_tokens_details: { cached_tokens: 4 },
  completion_tokens_details: { reasoning_tokens: 6 },
};

export function openAi(style: OpenAiStyle): Pick<ProviderFixture, 'text' | 'reasoning' | 'usage' | 'answer' | 'stream' | 'toolStream'> {
  const thought = style.tags === true ? () => ({}) : (style.thought ?? ((text: string) => ({ reasoning_content: text })));
  const head = style.tags === true ? `<think>${THOUGHT}</think>` : '';
  const usage = style.usage ?? OPENAI_USAGE;
  const usageFrame = style.usageFrame ?? ((value: unknown) => ({ choices: [], usage: value }));
  const base = { id: 'up-1', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'up-model' };
  const delta = (value: unknown, finish: string | null = null) => ({ ...base, choices: [{ index: 0, delta: value, finish_reason: finish }] });
  const call = (name: string | undefined, text: string) => ({
    tool_calls: [
      { index: 0, ...(name === undefined ? {} : { id: 'call_abc', type: 'function' }), function: { ...(name === undefined ? {} : { name }), arguments: text } },
    ],
  });
  const last = { ...base, ...usageFrame(usage) };
  const message = { role: 'assistant', content: head + TEXT, ...thought(THOUGHT) };
  return {
    text: TEXT,
    reasoning: THOUGHT,
    usage: USAGE,
    answer: { ...base, object: 'chat.completion', choices: [{ index: 0, message: mergeContent(message, thought(THOUGHT)), finish_reason: 'stop' }], usage },
    stream: sse([
      delta({ role: 'assistant', content: '' }),
      delta(thought(THOUGHT.slice(0, 9))),
      delta(thought(THOUGHT.slice(9))),
      delta({ content: `${head}Seoul is` }),
      delta({ content: ' sunny.' }),
      delta({}, 'stop'),
      last,
    ]),
    toolStream: sse([
      delta({ role: 'assistant', content: null }),
      delta(call('weather', '')),
      delta(call(undefined, '{"city":')),
      delta(call(undefined, '"Seoul"}')),
      delta({}, 'tool_calls'),
      last,
    ]),
  };
}

/** Content parts hold thought and text side by side (Mistral). */
function mergeContent(message: Record<string, unknown>, thought: Record<string, unknown>): Record<string, unknown> {
  if (!Array.isArray(thought['content'])) return message;
  return { ...message, content: [...(thought['content'] as unknown[]), { type: 'text', text: TEXT }] };
}

export const openAiError = (status: number, error: Record<string, unknown>, code: string) => ({
  status,
  body: { error },
  code,
  message: String(error['message']),
});

const anthropicFixture: Omit<ProviderFixture, 'model' | 'absent' | 'present' | 'reported'> = (() => {
  const usage = { input_tokens: 8, cache_read_input_tokens: 4, cache_creation_input_tokens: 0, output_tokens: 11 };
  const start = {
    type: 'message_start',
    message: { id: 'msg_1', type: 'message', role: 'assistant', model: 'up-model', content: [], stop_reason: null, usage: { ...usage, output_tokens: 1 } },
  };
  const event = (frame: { type: string; [key: string]: unknown }) => `event: ${frame.type}\ndata: ${JSON.stringify(frame)}\n\n`;
  const end = (reason: string) => [
    { type: 'message_delta', delta: { stop_reason: reason, stop_sequence: null }, usage: { output_tokens: 11 } },
    { type: 'message_stop' },
  ];
  const stream = [
    start,
    { type: 'content_block_start', index: 0, content_block: { type: 'thinking', thinking: '', signature: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'thinking_delta', thinking: THOUGHT } },
    { type: 'content_block_delta', index: 0, delta: { type: 'signature_delta', signature: 'c2ln' } },
    { type: 'content_block_stop', index: 0 },
    { type: 'content_block_start', index: 1, content_block: { type: 'text', text: '' } },
    { type: 'ping' },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: 'Seoul is' } },
    { type: 'content_block_delta', index: 1, delta: { type: 'text_delta', text: ' sunny.' } },
    { type: 'content_block_stop', index: 1 },
    ...end('end_turn'),
  ];
  const tools = [
    start,
    { type: 'content_block_start', index: 0, content_block: { type: 'tool_use', id: 'toolu_1', name: 'weather', input: {} } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '{"city":' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'input_json_delta', partial_json: '"Seoul"}' } },
    { type: 'content_block_stop', index: 0 },
    ...end('tool_use'),
  ];
  return {
    text: TEXT,
    reasoning: THOUGHT,
    // Anthropic does not say how much of the output was thought.
    usage: { input: 8, cacheRead: 4, output: 11, reasoning: 0 },
    answer: {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: 'up-model',
      content: [
        { type: 'thinking', thinking: THOUGHT, signature: 'c2ln' },
        { type: 'text', text: TEXT },
      ],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage,
    },
    stream: stream.map(event).join(''),
    toolStream: tools.map(event).join(''),
    error: {
      status: 529,
      body: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
      code: 'upstream_overloaded',
      message: 'Overloaded',
    },
  };
})();

const geminiFixture: Omit<ProviderFixture, 'model' | 'absent' | 'present' | 'reported'> = (() => {
  const usageMetadata = { promptTokenCount: 12, cachedContentTokenCount: 4, candidatesTokenCount: 5, thoughtsTokenCount: 6, totalTokenCount: 23 };
  const frame = (parts: unknown[], finishReason?: string) => ({
    candidates: [{ index: 0, content: { role: 'model', parts }, ...(finishReason === undefined ? {} : { finishReason }) }],
    usageMetadata,
    modelVersion: 'up-model',
    responseId: 'r1',
  });
  const thought = { text: THOUGHT, thought: true };
  return {
    text: TEXT,
    reasoning: THOUGHT,
    usage: USAGE,
    answer: frame([thought, { text: TEXT }], 'STOP'),
    stream: sse([frame([thought]), frame([{ text: 'Seoul is' }]), frame([{ text: ' sunny.' }], 'STOP')], ''),
    toolStream: sse([frame([{ functionCall: { name: 'weather', args: { city: 'Seoul' } }, thoughtSignature: 'c2ln' }], 'STOP')], ''),
    error: {
      status: 429,
      body: {
        error: {
          code: 429,
          message: 'Quota exceeded',
          status: 'RESOURCE_EXHAUSTED',
          details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '7s' }],
        },
      },
      code: 'upstream_rate_limited',
      message: 'Quota exceeded',
    },
  };
})();

/** Keyed by definition. */
export const PROVIDER_FIXTURES: Readonly<Record<string, ProviderFixture>> = {
  openai: {
    ...openAi({ thought: (text) => ({ reasoning_content: text }) }),
    model: 'gpt-4.1',
    error: openAiError(429, { message: 'Rate limit reached', type: 'requests', param: null, code: 'rate_limit_exceeded' }, 'upstream_rate_limited'),
    absent: ['max_tokens', 'top_k'],
    present: { max_completion_tokens: 64, temperature: 1.5, seed: 7 },
    reported: ['top_k'],
  },
  anthropic: {
    ...anthropicFixture,
    model: 'claude-haiku-4-5-20251001',
    absent: ['seed', 'logit_bias'],
    present: { max_tokens: 64, temperature: 1 },
    reported: ['seed', 'logit_bias', 'temperature'],
  },
  ...UPSTREAM_ONLY_FIXTURES,
  'azure-openai': {
    ...openAi({}),
    model: 'gpt-4o',
    error: openAiError(
      400,
      {
        message: "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
        type: null,
        param: 'prompt',
        code: 'content_filter',
      },
      'content_policy_violation',
    ),
    absent: ['top_k'],
    present: { temperature: 1.5, seed: 7 },
    reported: ['top_k'],
  },
  vertex: { ...geminiFixture, model: 'gemini-2.5-flash', absent: ['model', 'stream', 'messages', 'logit_bias'], present: {}, reported: ['logit_bias'] },
  gemini: { ...geminiFixture, model: 'gemini-2.5-flash', absent: ['model', 'stream', 'messages', 'logit_bias'], present: {}, reported: ['logit_bias'] },
  groq: {
    ...openAi({ thought: (text) => ({ reasoning: text }), usageFrame: (usage) => ({ choices: [], x_groq: { id: 'req_1', usage } }) }),
    model: 'openai/gpt-oss-120b',
    error: openAiError(413, { message: 'Request too large', type: 'tokens', code: 'rate_limit_exceeded' }, 'request_too_large'),
    absent: ['max_tokens', 'logit_bias', 'top_k'],
    present: { max_completion_tokens: 64, seed: 7 },
    reported: ['logit_bias', 'top_k'],
  },
  deepseek: {
    ...openAi({
      usage: {
        prompt_tokens: 12,
        completion_tokens: 11,
        total_tokens: 23,
        prompt_cache_hit_tokens: 4,
        prompt_cache_miss_tokens: 8,
        completion_tokens_details: { reasoning_tokens: 6 },
      },
    }),
    model: 'deepseek-v4-flash',
    error: openAiError(402, { message: 'Insufficient Balance', type: 'unknown_error', param: null, code: 'invalid_request_error' }, 'upstream_auth_failed'),
    absent: ['seed', 'top_k', 'logit_bias', 'max_completion_tokens'],
    present: { max_tokens: 64, temperature: 1.5 },
    reported: ['seed', 'top_k', 'logit_bias'],
  },
  mistral: {
    ...openAi({ thought: (text) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] }) }),
    model: 'mistral-small-2603',
    error: {
      status: 422,
      body: {
        object: 'error',
        message: { detail: [{ type: 'extra_forbidden', loc: ['body', 'foo'], msg: 'Extra inputs are not permitted' }] },
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
      code: 'unsupported_parameter',
      message: 'foo: Extra inputs',
    },
    absent: ['seed', 'top_k', 'logit_bias', 'stream_options', 'max_completion_tokens'],
    present: { max_tokens: 64, random_seed: 7, temperature: 1.5 },
    reported: ['seed', 'top_k', 'logit_bias'],
  },
  openrouter: {
    ...openAi({ thought: (text) => ({ reasoning: text, reasoning_details: [{ type: 'reasoning.text', text, index: 0 }] }) }),
    model: 'anthropic/claude-haiku-4.5',
    error: {
      status: 200,
      body: { error: { message: 'Provider returned error', code: 502 }, user_id: 'u' },
      code: 'upstream_error',
      message: 'Provider returned error',
    },
    absent: ['max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7 },
    reported: [],
  },
  xai: {
    ...openAi({
      usage: {
        prompt_tokens: 12,
        completion_tokens: 5,
        total_tokens: 23,
        prompt_tokens_details: { cached_tokens: 4 },
        completion_tokens_details: { reasoning_tokens: 6 },
      },
    }),
    model: 'grok-4.3',
    error: {
      status: 400,
      body: { code: 'Client specified an invalid argument', error: 'Incorrect API key provided: xa***k' },
      code: 'upstream_auth_failed',
      message: '',
    },
    absent: ['max_tokens', 'logit_bias', 'top_k'],
    present: { max_completion_tokens: 64, seed: 7 },
    reported: ['logit_bias', 'top_k'],
  },
  'openai-compatible': {
    ...openAi({}),
    model: 'llama',
    error: {
      status: 400,
      body: { object: 'error', message: "This model's maximum context length is 4096 tokens", type: 'BadRequestError', code: 400 },
      code: 'context_length_exceeded',
      message: '',
    },
    absent: [],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: { '50256': -100 } },
    reported: [],
  },
  'anthropic-compatible': {
    ...anthropicFixture,
    model: 'glm',
    error: {
      status: 401,
      body: { type: 'error', error: { type: 'authentication_error', message: 'invalid x-api-key' } },
      code: 'upstream_auth_failed',
      message: '',
    },
    absent: ['seed', 'logit_bias'],
    present: { max_tokens: 64 },
    reported: ['seed', 'logit_bias'],
  },
};
