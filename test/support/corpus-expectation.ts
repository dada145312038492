import { invokeExpectation } from './corpus-invoke.js';
import type { Exchange, ExpectedAnswer } from './upstream-simulator/index.js';

/** What a client of `/v1/chat/completions` must have got from a recorded exchange. Written down independently of the gateway's code. */
export interface ClientAnswer {
  text: string;
  reasoning: string;
  toolCalls: { name: string; arguments: unknown }[];
  finish: string | null;
  usage: { prompt: number; completion: number; total: number; cached: number } | null;
}

type Json = Record<string, unknown>;
const record = (value: unknown): Json => (typeof value === 'object' && value !== null ? (value as Json) : {});
const count = (value: unknown): number => (typeof value === 'number' ? value : 0);

const FINISH: Readonly<Record<string, string>> = {
  eos: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  model_length: 'length',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
  refusal: 'content_filter',
  STOP: 'stop',
  '1': 'stop',
  MAX_TOKENS: 'length',
  '2': 'length',
  SAFETY: 'content_filter',
  RECITATION: 'content_filter',
  PROHIBITED_CONTENT: 'content_filter',
  COMPLETE: 'stop',
  TOOL_CALL: 'tool_calls',
  guardrail_intervened: 'content_filter',
  completed: 'stop',
  max_output_tokens: 'length',
  FINISH: 'stop',
  LENGTH: 'length',
};

/** Calls whose arguments were streamed in pieces: the recording's decoding lists the pieces as calls without a name. */
const STREAMED_ARGUMENTS: Readonly<Record<string, ClientAnswer['toolCalls']>> = {
  'gemini.generateContent.c2fc217104': [
    { name: 'read_theme', arguments: {} },
    { name: 'read_screen', arguments: { id: 'A' } },
    { name: 'read_screen', arguments: { id: 'B' } },
    { name: 'read_screen', arguments: { id: 'C' } },
  ],
};

export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Four Bedrock recordings whose decoding leaves out the words inside `citationsContent`, which are the answer's own, or lists the
 * provider's own, finished tool (`server_tool_use`) as a call for the client.
 */
function bedrockExpectation(exchange: Exchange): ExpectedAnswer {
  const expected = exchange.expect ?? {};
  const message = record(record(record(exchange.response.body)['output'])['message']);
  const blocks = (Array.isArray(message['content']) ? message['content'] : []).map(record);
  const served = new Set(blocks.map((block) => record(block['toolUse'])).flatMap((use) => (use['type'] === 'server_tool_use' ? [use['toolUseId']] : [])));
  if (served.size === 0 && !blocks.some((block) => 'citationsContent' in block)) return expected;
  const words = blocks.flatMap((block) =>
    'citationsContent' in block ? ((record(block['citationsContent'])['content'] as unknown[] | undefined) ?? []) : [block],
  );
  const text = words.map((piece) => record(piece)['text'] ?? '').join('');
  return { ...expected, text, toolCalls: (expected.toolCalls ?? []).filter((call) => !served.has(call.id)) };
}

/** A chat completion at the address of responses (Azure, for models it does not serve there): the recording's decoding looked for items. */
function responsesExpectation(exchange: Exchange): ExpectedAnswer {
  const expected = exchange.expect ?? {};
  const { choices } = record(exchange.response.body);
  if (!Array.isArray(choices)) return expected;
  const message = record(record(choices[0])['message']);
  return { ...expected, text: String(message['content'] ?? ''), reasoning: String(message['reasoning_content'] ?? '') };
}

/** What was recorded, without what its decoding is known to have read wrongly. */
export function expectationOf(exchange: Exchange): ExpectedAnswer {
  if (exchange.api === 'openai.responses') return responsesExpectation(exchange);
  if (exchange.api === 'bedrock.invoke') return invokeExpectation(exchange);
  return exchange.api === 'bedrock.converse' ? bedrockExpectation(exchange) : (exchange.expect ?? {});
}

export function expectedAnswer(exchange: Exchange): ClientAnswer {
  const expected = expectationOf(exchange);
  const toolCalls = STREAMED_ARGUMENTS[exchange.id] ?? (expected.toolCalls ?? []).map((call) => ({ name: call.name, arguments: argumentsOf(call.arguments) }));
  const raw = typeof expected.finish === 'string' || typeof expected.finish === 'number' ? String(expected.finish) : null;
  const finish = raw === null ? null : (FINISH[raw] ?? raw);
  return {
    text: expected.text ?? '',
    // Cohere's plan before its calls is reasoning to a client that knows no plans.
    reasoning: (expected.reasoning ?? '') + (expected.toolPlan ?? ''),
    toolCalls,
    finish: finish === 'stop' && toolCalls.length > 0 ? 'tool_calls' : finish,
    usage: expected.usage === undefined ? null : usageOf(exchange, expected.usage),
  };
}

/** A call without arguments is an empty text at Cohere, where clients expect JSON. */
function argumentsOf(text: string): unknown {
  return text === '' ? {} : parsed(text);
}

function usageOf(exchange: Exchange, usage: Json): ClientAnswer['usage'] {
  if (exchange.api === 'bedrock.invoke') return invokeUsage(usage);
  if (exchange.api === 'cohere.chat.v2') return cohereUsage(usage);
  if (exchange.api === 'ollama.chat') return ollamaUsage(usage);
  if (exchange.api === 'bedrock.converse') return bedrockUsage(usage);
  if (exchange.api === 'anthropic.messages') return anthropicUsage(usage);
  if (exchange.api === 'gemini.generateContent') return geminiUsage(usage);
  if (exchange.api === 'openai.responses' && 'input_tokens' in usage) return responsesUsage(usage);
  return openaiUsage(exchange.provider, usage);
}

function anthropicUsage(usage: Json): ClientAnswer['usage'] {
  const cached = count(usage['cache_read_input_tokens']);
  const prompt = count(usage['input_tokens']) + cached + count(usage['cache_creation_input_tokens']);
  const completion = count(usage['output_tokens']);
  return { prompt, completion, total: prompt + completion, cached };
}

function invokeUsage({ prompt, completion, cached }: Json): ClientAnswer['usage'] {
  return { prompt: count(prompt), completion: count(completion), total: count(prompt) + count(completion), cached: count(cached) };
}

function responsesUsage(usage: Json): ClientAnswer['usage'] {
  const [prompt, completion] = [count(usage['input_tokens']), count(usage['output_tokens'])];
  return { prompt, completion, total: prompt + completion, cached: count(record(usage['input_tokens_details'])['cached_tokens']) };
}

function geminiUsage(usage: Json): ClientAnswer['usage'] {
  const prompt = count(usage['promptTokenCount']) + count(usage['toolUsePromptTokenCount']);
  const completion = count(usage['candidatesTokenCount']) + count(usage['thoughtsTokenCount']);
  return { prompt, completion, total: prompt + completion, cached: count(usage['cachedContentTokenCount']) };
}

/** `tokens` are what the model read and wrote; `billed_units` are smaller than what was cached of them. */
function cohereUsage(usage: Json): ClientAnswer['usage'] {
  const tokens = record(usage['tokens']);
  const [prompt, completion] = [count(tokens['input_tokens']), count(tokens['output_tokens'])];
  return { prompt, completion, total: prompt + completion, cached: count(usage['cached_tokens']) };
}

function ollamaUsage(usage: Json): ClientAnswer['usage'] {
  const [prompt, completion] = [count(usage['prompt_eval_count']), count(usage['eval_count'])];
  return { prompt, completion, total: prompt + completion, cached: 0 };
}

function bedrockUsage(usage: Json): ClientAnswer['usage'] {
  const cached = count(usage['cacheReadInputTokens']);
  const prompt = count(usage['inputTokens']) + cached + count(usage['cacheWriteInputTokens']);
  const completion = count(usage['outputTokens']);
  return { prompt, completion, total: prompt + completion, cached };
}

function openaiUsage(provider: string, usage: Json): ClientAnswer['usage'] {
  const details = record(usage['prompt_tokens_details']);
  let prompt = count(usage['prompt_tokens']);
  let completion = count(usage['completion_tokens']);
  if (provider === 'xai') completion += count(record(usage['completion_tokens_details'])['reasoning_tokens']);
  // Mistral's voxtral counts sound beside the prompt: only the total adds up.
  if (prompt + completion + count(details['audio_tokens']) === count(usage['total_tokens'])) prompt += count(details['audio_tokens']);
  const cached = count(details['cached_tokens'] ?? usage['prompt_cache_hit_tokens'] ?? usage['cached_tokens']);
  if (cached > prompt) prompt += cached;
  return { prompt, completion, total: prompt + completion, cached };
}

/** Statuses of CONTRACT section 6 for what a provider answered; several where the body decides between them. */
export function expectedStatuses(providerStatus: number): readonly number[] {
  if ([400, 409, 422, 424].includes(providerStatus)) return [400, 502];
  if ([401, 402, 403].includes(providerStatus)) return [502, 400];
  if (providerStatus === 413 || providerStatus === 429) return [providerStatus];
  if (providerStatus === 503 || providerStatus === 529) return [503];
  return providerStatus === 408 || providerStatus === 504 ? [504] : [502];
}
