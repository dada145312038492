import { sse, type Shape } from './answer-shapes.js';

/** What providers of the OpenAI family answer besides OpenAI's own form (documentation, SDKs and reports read 2026-11-29; values made up). */
type Json = Record<string, unknown>;

const USAGE = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 };
const answer = (message: Json, more: Json = {}, finish: unknown = 'stop'): Json => ({
  id: 'x', object: 'chat.completion', created: 1, model: 'm', choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: finish }], usage: USAGE, ...more,
});
const chunk = (delta: unknown, finish: unknown = null, more: Json = {}): Json => ({
  id: 'x', object: 'chat.completion.chunk', created: 1, model: 'm', choices: [{ index: 0, delta, finish_reason: finish }], ...more,
});
const HI = { text: 'Hi', finish: 'stop', usage: [10, 5, 0], drift: [] } as const;
const call = (index: number | undefined, id: string | undefined, name: string | undefined, args: unknown): Json => ({
  ...(index === undefined ? {} : { index }), ...(id === undefined ? {} : { id }), type: 'function', function: { ...(name === undefined ? {} : { name }), arguments: args },
});
const usageShape = (name: string, usage: unknown, usageWanted: Shape['wanted']['usage'], dialect: Shape['dialect'] = {}): Shape => ({
  name: `usage: ${name}`, protocol: 'openai-chat', dialect, whole: answer({ content: 'Hi' }, { usage }), wanted: { text: 'Hi', usage: usageWanted },
});
const finishShape = (raw: string, finish: string): Shape => ({
  name: `finish_reason ${raw}`, protocol: 'openai-chat', whole: answer({ content: 'Hi' }, {}, raw), wanted: { text: 'Hi', finish, drift: [] },
});

const WHOLE: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'content null with calls', whole: answer({ content: null, tool_calls: [call(undefined, 'a', 'f', '{"x":1}')] }, {}, 'tool_calls'), wanted: { text: '', calls: [['f', '{"x":1}']], finish: 'tool_calls' } },
  { name: 'calls that end with stop', whole: answer({ content: '', tool_calls: [call(0, 'a', 'f', '{}')] }), wanted: { calls: [['f', '{}']], finish: 'tool_calls' } },
  { name: 'arguments as an object', whole: answer({ content: null, tool_calls: [call(0, 'a', 'f', { x: 1 })] }), wanted: { calls: [['f', '{"x":1}']] } },
  { name: 'the old function_call', whole: answer({ content: null, function_call: { name: 'f', arguments: '{}' } }, {}, 'function_call'), wanted: { calls: [['f', '{}']], finish: 'tool_calls' } },
  { name: 'tool_calls null, refusal null, audio null', whole: answer({ content: 'Hi', tool_calls: null, refusal: null, audio: null, function_call: null, annotations: [] }), wanted: HI },
  { name: 'a refusal', whole: answer({ content: null, refusal: 'No.' }), wanted: { refusal: 'No.', text: '' } },
  { name: 'Copilot’s reasoning_text', whole: answer({ content: 'Hi', reasoning_text: 'Hm', reasoning_opaque: 'zzz' }), wanted: { ...HI, reasoning: 'Hm' } },
  { name: 'vLLM’s reasoning beside reasoning_content', whole: answer({ content: 'Hi', reasoning: 'Hm', reasoning_content: 'Hm' }), wanted: { ...HI, reasoning: 'Hm' } },
  { name: 'LiteLLM’s thinking_blocks', whole: answer({ content: 'Hi', reasoning_content: 'Hm', thinking_blocks: [{ type: 'thinking', thinking: 'Hm', signature: 's' }] }), wanted: { ...HI, reasoning: 'Hm' } },
  { name: 'Mistral’s parts', whole: answer({ content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }], closed: true }, { type: 'text', text: 'H' }, { type: 'reference', reference_ids: [1] }, { type: 'text', text: 'i' }] }), wanted: { ...HI, reasoning: 'Hm' } },
  { name: 'Mistral’s tool references', whole: answer({ content: [{ type: 'text', text: 'Hi' }, { type: 'tool_reference', tool: 'web_search', title: 't', url: 'https://example.com' }] }), wanted: HI },
  { name: 'Perplexity’s search results and citations', whole: answer({ content: 'Hi' }, { citations: ['https://example.com'], search_results: [{ title: 't', url: 'https://example.com' }], images: [] }), wanted: HI },
  { name: 'Perplexity’s reasoning steps', whole: answer({ content: 'Hi', reasoning_steps: [{ thought: 't', type: 'web_search' }] }), wanted: { text: 'Hi', finish: 'stop' } },
  { name: 'OpenRouter’s encrypted thought', whole: answer({ content: 'Hi', reasoning: null, reasoning_details: [{ type: 'reasoning.encrypted', data: 'zz', id: 'r', format: 'openai-responses-v1', index: 0 }] }), wanted: HI },
  { name: 'an image in the answer', whole: answer({ content: 'Hi', images: [{ type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' }, index: 0 }] }), wanted: { ...HI, images: 1 } },
  { name: 'web citations', whole: answer({ content: 'Hi', annotations: [{ type: 'url_citation', url_citation: { url: 'https://example.com', title: 't', start_index: 0, end_index: 2 } }] }), wanted: { ...HI, annotations: 1 } },
  { name: 'Groq’s executed tools', whole: answer({ content: 'Hi', reasoning: 'Hm', executed_tools: [{ type: 'search', index: 0, arguments: '{}', output: 'o' }] }), wanted: { ...HI, reasoning: 'Hm' } },
  { name: 'Azure’s content filter annotations', whole: answer({ content: 'Hi' }, { prompt_filter_results: [{ prompt_index: 0, content_filter_results: {} }] }), wanted: HI },
  { name: 'usage null', whole: answer({ content: 'Hi' }, { usage: null }), wanted: { text: 'Hi', usage: null } },
  { name: 'index missing', whole: { id: 'x', choices: [{ message: { role: 'assistant', content: 'Hi' }, finish_reason: 'stop' }], usage: USAGE }, wanted: HI },
  { name: 'finish_reason null', whole: answer({ content: 'Hi' }, {}, null), wanted: { text: 'Hi', finish: 'stop' } },
  { name: 'an error in a choice', whole: { id: 'x', choices: [{ index: 0, message: { role: 'assistant', content: '' }, finish_reason: 'error', error: { code: 502, message: 'Upstream died' } }] }, wanted: { error: 'Upstream died' } },
  { name: 'no choices but an error of the proxy', whole: { error: { message: 'Provider returned error', code: 429 } }, wanted: { error: 'Provider returned error' } },
  { name: 'MiniMax: 200 with a status of its own', whole: { base_resp: { status_code: 1004, status_msg: 'login fail' }, choices: null }, wanted: { error: 'login fail' } },
];

const STREAMS: readonly Omit<Shape, 'protocol'>[] = [
  { name: 'usage with the last chunk', stream: sse(chunk({ role: 'assistant', content: '' }), chunk({ content: 'Hi' }), chunk({}, 'stop', { usage: USAGE }), '[DONE]'), wanted: HI },
  { name: 'usage in every chunk, rising', stream: sse(chunk({ content: 'H' }, null, { usage: { ...USAGE, completion_tokens: 1, total_tokens: 11 } }), chunk({ content: 'i' }, 'stop', { usage: USAGE }), '[DONE]'), wanted: HI },
  { name: 'usage after [DONE]', stream: sse(chunk({ content: 'Hi' }, 'stop'), '[DONE]', { id: 'x', choices: [], usage: USAGE }), wanted: HI },
  { name: 'choices null beside usage', stream: sse(chunk({ content: 'Hi' }, 'stop'), { id: 'x', choices: null, usage: USAGE }, '[DONE]'), wanted: HI },
  { name: 'Groq’s x_groq usage', stream: sse(chunk({ content: 'Hi' }), chunk({}, 'stop', { x_groq: { id: 'r', usage: USAGE } }), '[DONE]'), wanted: HI },
  { name: 'delta null at the end', stream: sse(chunk({ content: 'Hi' }), chunk(null, 'stop', { usage: USAGE }), '[DONE]'), wanted: HI },
  { name: 'no [DONE]', stream: sse(chunk({ content: 'Hi' }), chunk({}, 'stop', { usage: USAGE })), wanted: HI },
  { name: 'finish_reason as an empty text before the end', stream: sse(chunk({ content: 'Hi' }, ''), chunk({}, 'stop', { usage: USAGE }), '[DONE]'), wanted: HI },
  { name: 'the finish reason twice', stream: sse(chunk({ content: 'Hi' }, 'stop'), chunk({}, 'stop', { usage: USAGE }), '[DONE]'), wanted: { text: 'Hi', finish: 'stop', usage: [10, 5, 0] } },
  { name: 'Azure’s empty first chunk', stream: sse({ id: '', object: '', model: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] }, chunk({ content: 'Hi' }, 'stop', { usage: USAGE }), '[DONE]'), wanted: HI },
  { name: 'comments, ids and retry', stream: sse(': OPENROUTER PROCESSING', 'id: 7', 'retry: 10', chunk({ content: 'Hi' }, 'stop', { usage: USAGE }), '[DONE]'), wanted: HI },
  { name: 'calls, the second without a number', stream: sse(chunk({ tool_calls: [call(undefined, 'a', 'f', '{"x":1}')] }), chunk({ tool_calls: [call(undefined, 'b', 'g', '{}')] }), chunk({}, 'tool_calls', { usage: USAGE }), '[DONE]'), wanted: { calls: [['f', '{"x":1}'], ['g', '{}']], finish: 'tool_calls' } },
  { name: 'calls that are all number 0', stream: sse(chunk({ tool_calls: [call(0, 'a', 'f', '{}')] }), chunk({ tool_calls: [call(0, 'b', 'f', '{"y":2}')] }, 'stop', { usage: USAGE }), '[DONE]'), wanted: { calls: [['f', '{}'], ['f', '{"y":2}']], finish: 'tool_calls' } },
  { name: 'calls numbered from 1', stream: sse(chunk({ tool_calls: [call(1, 'a', 'f', '')] }), chunk({ tool_calls: [call(1, undefined, undefined, '{}')] }), chunk({}, 'tool_calls'), '[DONE]'), wanted: { calls: [['f', '{}']] } },
  { name: 'id and name again with every piece', stream: sse(chunk({ tool_calls: [call(0, 'a', 'f', '{"x"')] }), chunk({ tool_calls: [call(0, 'a', 'f', ':1}')] }, 'tool_calls'), '[DONE]'), wanted: { calls: [['f', '{"x":1}']] } },
  { name: 'numbers as text', stream: sse(chunk({ tool_calls: [{ index: '0', id: 'a', function: { name: 'f', arguments: '{' } }] }), chunk({ tool_calls: [{ index: '0', function: { arguments: '}' } }] }, 'tool_calls'), '[DONE]'), wanted: { calls: [['f', '{}']] } },
  { name: 'arguments null at first', stream: sse(chunk({ tool_calls: [call(0, 'a', 'f', null)] }), chunk({ tool_calls: [call(0, undefined, undefined, '{}')] }, 'tool_calls'), '[DONE]'), wanted: { calls: [['f', '{}']] } },
  { name: 'the old function_call in pieces', stream: sse(chunk({ function_call: { name: 'f', arguments: '' } }), chunk({ function_call: { arguments: '{}' } }), chunk({}, 'function_call'), '[DONE]'), wanted: { calls: [['f', '{}']], finish: 'tool_calls' } },
  { name: 'Copilot’s reasoning_text', stream: sse(chunk({ reasoning_text: 'H' }), chunk({ reasoning_text: 'm' }), chunk({ reasoning_opaque: 'zz', content: null }), chunk({ content: 'Hi' }, 'stop', { usage: USAGE }), '[DONE]'), wanted: { ...HI, reasoning: 'Hm' } },
  { name: 'an OpenRouter error with a finish reason', stream: sse(chunk({ content: 'Hi' }), { id: 'x', error: { code: 502, message: 'Died' }, choices: [{ index: 0, delta: { content: '' }, finish_reason: 'error' }] }), wanted: { error: 'Died' } },
  { name: 'an error event with plain text', stream: sse(chunk({ content: 'Hi' }), 'event: error\ndata: boom'), wanted: { error: 'boom' } },
  { name: 'Groq’s failed generation', stream: sse(chunk({ content: '' }), 'event: error\ndata: {"error":{"message":"Failed to call a function.","type":"invalid_request_error","code":"tool_use_failed","failed_generation":"x","status_code":400}}'), wanted: { error: 'Failed to call' } },
  { name: 'a bare error object between frames', stream: Buffer.concat([sse(chunk({ content: 'Hi' })), Buffer.from('{"error":{"message":"No memory left","code":500}}\n\n'), sse('[DONE]')]), wanted: { error: 'No memory left' } },
  { name: 'broken off', stream: sse(chunk({ content: 'Hi' })), wanted: { error: 'ended' } },
];

export const OPENAI_SHAPES: readonly Shape[] = [
  ...[...WHOLE, ...STREAMS].map((shape): Shape => ({ ...shape, protocol: 'openai-chat' })),
  ...([['STOP', 'stop'], ['MAX_TOKENS', 'length'], ['max_length', 'length'], ['max_new_tokens', 'length'], ['model_context_window_exceeded', 'length'], ['PROHIBITED_CONTENT', 'content_filter'], ['content_filter: SAFETY', 'content_filter'], ['content-filter', 'content_filter'], ['blocklist', 'content_filter'], ['guardrail_intervened', 'content_filter'], ['sensitive', 'content_filter'], ['end', 'stop'], ['eos', 'stop'], ['eos_token', 'stop'], ['stop_token', 'stop'], ['stop_str', 'stop'], ['pause_turn', 'stop'], ['done', 'stop'], ['tool_use', 'tool_calls'], ['tool-calls', 'tool_calls'], ['COMPLETE', 'stop'], ['endoftext', 'stop']] as const).map(([raw, finish]) => finishShape(raw, finish)),
  usageShape('cached tokens at the top (Moonshot)', { ...USAGE, cached_tokens: 4 }, [10, 5, 4]),
  usageShape('DeepSeek’s cache hits', { ...USAGE, prompt_cache_hit_tokens: 4, prompt_cache_miss_tokens: 6 }, [10, 5, 4]),
  usageShape('Anthropic’s names in an OpenAI answer', { input_tokens: 10, output_tokens: 5 }, [10, 5, 0]),
  usageShape('null details', { ...USAGE, prompt_tokens_details: null, completion_tokens_details: null }, [10, 5, 0]),
  usageShape('Mistral’s', { ...USAGE, prompt_audio_seconds: null, num_cached_tokens: 4, prompt_token_details: { cached_tokens: 4 } }, [10, 5, 4]),
  usageShape('reasoning beside the completion, by the total (xAI)', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 22, completion_tokens_details: { reasoning_tokens: 7 } }, [10, 12, 0]),
  usageShape('reasoning inside the completion', { ...USAGE, completion_tokens_details: { reasoning_tokens: 3 } }, [10, 5, 0]),
  usageShape('Perplexity’s reasoning at the root', { ...USAGE, reasoning_tokens: 3, citation_tokens: 9, num_search_queries: 1, search_context_size: 'low', cost: { total_cost: 0.1 } }, [10, 5, 0]),
  usageShape('no completion (a stream that was cut off by the filter)', { prompt_tokens: 10, total_tokens: 10 }, [10, 0, 0]),
  usageShape('numbers that are texts', { prompt_tokens: '10', completion_tokens: '5', total_tokens: '15' }, null),
  usageShape('empty', {}, null),
];
