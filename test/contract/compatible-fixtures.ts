import { openAi, openAiError, type ProviderFixture } from './provider-fixtures.js';

/** Providers of the OpenAI family, in their own way of writing. `absent` and `present` follow the conformance test's REQUEST. */
const reasoning = (text: string) => ({ reasoning: text });
const reasoningContent = (text: string) => ({ reasoning_content: text });
const details = { completion_tokens_details: { reasoning_tokens: 6 } };
const counts = { prompt_tokens: 12, completion_tokens: 11, total_tokens: 23 };
const rateLimited = openAiError(429, { message: 'Too many requests', type: 'rate_limit_error', code: 'rate_limit_exceeded' }, 'upstream_rate_limited');
const overloaded = openAiError(503, { message: 'The model is overloaded', type: 'service_unavailable', code: null }, 'upstream_overloaded');
const BIAS = { '50256': -100 };

/** The Responses API: one item of reasoning, one message; or one call. */
const responses: Pick<ProviderFixture, 'text' | 'reasoning' | 'usage' | 'answer' | 'stream' | 'toolStream'> = (() => {
  const { text, reasoning: thought, usage } = openAi({});
  const whole = { id: 'resp_1', object: 'response', created_at: 1_760_000_000, model: 'up-model', error: null, incomplete_details: null };
  const counted = {
    ...whole,
    status: 'completed',
    usage: {
      input_tokens: 12,
      input_tokens_details: { cached_tokens: 4 },
      output_tokens: 11,
      output_tokens_details: { reasoning_tokens: 6 },
      total_tokens: 23,
    },
  };
  const thinking = { id: 'rs_1', type: 'reasoning', summary: [{ type: 'summary_text', text: thought }] };
  const message = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text, annotations: [] }] };
  const call = { id: 'fc_1', type: 'function_call', call_id: 'call_abc', name: 'weather', arguments: '{"city":"Seoul"}', status: 'completed' };
  const frames = (list: readonly ({ type: string } & Record<string, unknown>)[]) =>
    list.map((frame, at) => `event: ${frame.type}\ndata: ${JSON.stringify({ ...frame, sequence_number: at })}\n\n`).join('');
  const start = [
    { type: 'response.created', response: { ...whole, status: 'in_progress', output: [] } },
    { type: 'response.in_progress', response: { ...whole, status: 'in_progress', output: [] } },
  ];
  const delta = (piece: string) => ({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 1, content_index: 0, delta: piece });
  return {
    text,
    reasoning: thought,
    usage,
    answer: { ...counted, output: [thinking, message] },
    stream: frames([
      ...start,
      { type: 'response.output_item.added', output_index: 0, item: { ...thinking, summary: [] } },
      { type: 'response.reasoning_summary_part.added', item_id: 'rs_1', output_index: 0, summary_index: 0, part: { type: 'summary_text', text: '' } },
      { type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', output_index: 0, summary_index: 0, delta: thought },
      { type: 'response.output_item.done', output_index: 0, item: thinking },
      { type: 'response.output_item.added', output_index: 1, item: { ...message, status: 'in_progress', content: [] } },
      { type: 'response.content_part.added', item_id: 'msg_1', output_index: 1, content_index: 0, part: { type: 'output_text', text: '', annotations: [] } },
      delta('Seoul is'),
      delta(' sunny.'),
      { type: 'response.output_item.done', output_index: 1, item: message },
      { type: 'response.completed', response: { ...counted, output: [thinking, message] } },
    ]),
    toolStream: frames([
      ...start,
      { type: 'response.output_item.added', output_index: 0, item: { ...call, arguments: '', status: 'in_progress' } },
      { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 0, delta: '{"city":' },
      { type: 'response.function_call_arguments.delta', item_id: 'fc_1', output_index: 0, delta: '"Seoul"}' },
      { type: 'response.function_call_arguments.done', item_id: 'fc_1', output_index: 0, arguments: call.arguments },
      { type: 'response.output_item.done', output_index: 0, item: call },
      { type: 'response.completed', response: { ...counted, output: [call] } },
    ]),
  };
})();

export const COMPATIBLE_FIXTURES: Readonly<Record<string, ProviderFixture>> = {
  together: {
    ...openAi({ thought: reasoning, usage: { ...counts, cached_tokens: 4, ...details } }),
    model: 'openai/gpt-oss-120b',
    error: overloaded,
    absent: ['max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: BIAS, messages: [{ role: 'system' }, { role: 'user' }] },
    reported: [],
  },
  fireworks: {
    ...openAi({ thought: reasoningContent }),
    model: 'accounts/fireworks/models/gpt-oss-120b',
    error: rateLimited,
    absent: ['max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: BIAS },
    reported: [],
  },
  perplexity: {
    ...openAi({
      tags: true,
      // The thought of its reasoning models is counted beside the completion.
      usage: { prompt_tokens: 8, completion_tokens: 5, total_tokens: 13, reasoning_tokens: 6, search_context_size: 'low', cost: { total_cost: 0.005 } },
    }),
    usage: { input: 8, cacheRead: 0, output: 5, reasoning: 6 },
    toolStream: null,
    model: 'sonar-reasoning-pro',
    error: openAiError(401, { message: 'Invalid API key provided.', type: 'invalid_api_key', code: 401 }, 'upstream_auth_failed'),
    absent: ['tools', 'seed', 'logit_bias'],
    present: { max_tokens: 64, top_k: 5, temperature: 1.5 },
    reported: ['tools', 'seed', 'logit_bias'],
  },
  cerebras: {
    ...openAi({ thought: reasoning }),
    model: 'gpt-oss-120b',
    error: {
      status: 429,
      body: {
        message: 'Tokens per minute limit exceeded - too many tokens processed.',
        type: 'too_many_tokens_error',
        param: 'quota',
        code: 'token_quota_exceeded',
      },
      code: 'upstream_rate_limited',
      message: 'Tokens per minute limit exceeded',
    },
    absent: ['max_tokens', 'logit_bias', 'top_k'],
    present: { max_completion_tokens: 64, seed: 7, messages: [{ role: 'system' }, { role: 'user' }] },
    reported: ['logit_bias', 'top_k'],
  },
  alibaba: {
    ...openAi({
      usage: { ...counts, prompt_tokens_details: { cached_tokens: 4, cache_creation_input_tokens: 3 }, ...details },
    }),
    usage: { input: 5, cacheRead: 4, output: 5, reasoning: 6 },
    model: 'qwen3.7-plus',
    error: {
      status: 400,
      body: { error: { message: 'Range of input length should be [1, 129024]', type: 'invalid_request_error', param: null, code: 'invalid_parameter_error' } },
      code: 'context_length_exceeded',
      message: 'Range of input length',
    },
    absent: ['logit_bias', 'max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7 },
    reported: ['logit_bias'],
  },
  moonshot: {
    ...openAi({ usage: { ...counts, cached_tokens: 4, ...details } }),
    model: 'kimi-k2.6',
    error: openAiError(429, { message: 'Your account reached max request', type: 'rate_limit_reached_error' }, 'upstream_rate_limited'),
    absent: ['seed', 'top_k', 'logit_bias'],
    present: { max_tokens: 64, temperature: 1 },
    reported: ['seed', 'top_k', 'logit_bias', 'temperature'],
  },
  zai: {
    ...openAi({ usage: { ...counts, prompt_tokens_details: { cached_tokens: 4 }, ...details } }),
    model: 'glm-5.1',
    error: openAiError(400, { code: '1301', message: 'The system has detected unsafe or sensitive content' }, 'content_policy_violation'),
    absent: ['seed', 'top_k', 'logit_bias'],
    present: { max_tokens: 64, temperature: 1 },
    reported: ['seed', 'top_k', 'logit_bias', 'temperature'],
  },
  minimax: {
    ...openAi({ thought: (text) => ({ reasoning_details: [{ type: 'reasoning.text', text, index: 0 }] }) }),
    model: 'MiniMax-M2.7',
    error: {
      status: 429,
      body: { type: 'error', error: { type: 'rate_limit_error', message: 'rate limit exceeded', http_code: '429' }, request_id: '0' },
      code: 'upstream_rate_limited',
      message: 'rate limit exceeded',
    },
    absent: ['max_tokens', 'logit_bias', 'top_k'],
    present: { max_completion_tokens: 64, temperature: 1, reasoning_split: true, seed: 7 },
    reported: ['logit_bias', 'top_k', 'temperature'],
  },
  deepinfra: {
    // Some of its models leave reasoning out of the completion; the total says so.
    ...openAi({ usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 23, prompt_tokens_details: { cached_tokens: 4 }, ...details } }),
    model: 'openai/gpt-oss-120b',
    error: { status: 429, body: { detail: { error: 'Model busy, retry later' } }, code: 'upstream_rate_limited', message: '' },
    absent: ['max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: BIAS },
    reported: [],
  },
  nvidia: {
    ...openAi({}),
    model: 'deepseek-ai/deepseek-v4-flash',
    error: {
      status: 404,
      body: { status: 404, title: 'Not Found', detail: "Function 'x': Not found for account" },
      code: 'upstream_error',
      message: 'Not found',
    },
    absent: ['logit_bias', 'top_k'],
    present: { max_tokens: 64, seed: 7 },
    reported: ['logit_bias', 'top_k'],
  },
  huggingface: {
    ...openAi({ thought: reasoning }),
    model: 'openai/gpt-oss-120b',
    error: { status: 503, body: { error: 'Model is overloaded' }, code: 'upstream_overloaded', message: 'Model is overloaded' },
    absent: ['max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7 },
    reported: [],
  },
  sambanova: {
    ...openAi({ thought: reasoning }),
    model: 'gpt-oss-120b',
    error: rateLimited,
    absent: ['logit_bias'],
    present: { max_tokens: 64, top_k: 5, seed: 7 },
    reported: ['logit_bias'],
  },
  novita: {
    ...openAi({}),
    model: 'deepseek/deepseek-v4-flash',
    error: {
      status: 429,
      body: { code: 429, reason: 'RATE_LIMIT_EXCEEDED', message: 'rate limit exceeded', metadata: {} },
      code: 'upstream_rate_limited',
      message: 'rate limit',
    },
    absent: ['max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: BIAS },
    reported: [],
  },
  cloudflare: {
    ...openAi({}),
    model: '@cf/openai/gpt-oss-120b',
    error: {
      status: 429,
      body: { errors: [{ message: 'Capacity temporarily exceeded, please try again.', code: 3040 }], success: false, result: {}, messages: [] },
      code: 'upstream_rate_limited',
      message: 'Capacity temporarily exceeded',
    },
    absent: ['logit_bias'],
    present: { max_tokens: 64, top_k: 5, seed: 7 },
    reported: ['logit_bias'],
  },
  databricks: {
    ...openAi({ thought: (text) => ({ content: [{ type: 'reasoning', summary: [{ type: 'summary_text', text }] }] }) }),
    model: 'databricks-gpt-oss-120b',
    error: {
      status: 429,
      body: { error_code: 'REQUEST_LIMIT_EXCEEDED', message: 'Exceeded workspace rate limit' },
      code: 'upstream_rate_limited',
      message: 'Exceeded workspace rate limit',
    },
    absent: ['logit_bias', 'seed'],
    present: { max_tokens: 64 },
    reported: ['logit_bias', 'seed'],
  },
  upstage: {
    ...openAi({ thought: reasoning }),
    model: 'solar-pro3',
    error: rateLimited,
    absent: ['logit_bias', 'seed', 'top_k'],
    present: { max_tokens: 64, temperature: 1.5 },
    reported: ['logit_bias', 'seed', 'top_k'],
  },
  clova: {
    ...openAi({ thought: (text) => ({ thinking_content: text }) }),
    model: 'HCX-007',
    error: openAiError(429, { message: 'Too many requests', code: '42901' }, 'upstream_rate_limited'),
    absent: ['logit_bias'],
    present: { max_tokens: 64, temperature: 1, top_k: 5, seed: 7 },
    reported: ['logit_bias', 'temperature'],
  },
  friendli: {
    ...openAi({}),
    model: 'zai-org/GLM-5.1',
    error: overloaded,
    absent: ['max_completion_tokens'],
    present: { max_tokens: 64, top_k: 5, seed: 7 },
    reported: [],
  },
  plamo: {
    ...openAi({}),
    model: 'plamo-3.0-prime',
    error: openAiError(401, { message: 'Invalid API key', type: 'invalid_request_error' }, 'upstream_auth_failed'),
    absent: ['logit_bias', 'top_k'],
    present: { max_tokens: 64, seed: 7 },
    reported: ['logit_bias', 'top_k'],
  },
  sakana: {
    ...responses,
    model: 'fugu-ultra',
    error: openAiError(429, { message: 'Rate limit reached', type: 'rate_limit_error', code: 'rate_limit_exceeded' }, 'upstream_rate_limited'),
    absent: ['messages', 'max_tokens', 'seed', 'top_k', 'logit_bias'],
    present: { max_output_tokens: 64, temperature: 1.5 },
    reported: ['seed', 'top_k', 'logit_bias'],
  },
  vllm: {
    ...openAi({ thought: reasoning }),
    model: 'Qwen/Qwen3-32B',
    error: {
      status: 400,
      body: {
        error: {
          message: "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
          type: 'BadRequestError',
          param: null,
          code: 400,
        },
      },
      code: 'context_length_exceeded',
      message: '',
    },
    absent: [],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: BIAS },
    reported: [],
  },
  sglang: {
    ...openAi({}),
    model: 'Qwen/Qwen3-32B',
    error: {
      status: 400,
      body: { object: 'error', message: "Requested token count exceeds the model's maximum context length of 4096 tokens", type: 'BadRequestError', code: 400 },
      code: 'context_length_exceeded',
      message: '',
    },
    absent: [],
    present: { max_tokens: 64, top_k: 5, seed: 7 },
    reported: [],
  },
  llamacpp: {
    ...openAi({ usage: { ...counts, prompt_tokens_details: { cached_tokens: 4 }, ...details } }),
    model: 'local',
    error: openAiError(
      400,
      {
        code: 400,
        message: 'request (2009 tokens) exceeds the available context size (512 tokens), try increasing it',
        type: 'exceed_context_size_error',
        n_ctx: 512,
      },
      'context_length_exceeded',
    ),
    absent: [],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: BIAS },
    reported: [],
  },
  lmstudio: {
    ...openAi({ thought: reasoning }),
    model: 'local',
    error: { status: 400, body: { error: 'No models loaded. Please load a model.' }, code: 'invalid_request', message: 'No models loaded' },
    absent: [],
    present: { max_tokens: 64, top_k: 5, seed: 7, logit_bias: BIAS },
    reported: [],
  },
};
