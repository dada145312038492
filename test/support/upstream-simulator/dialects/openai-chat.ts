import type { Fault } from '../scenario.js';
import { halves, sse, type Dialect, type Frame, type Script } from './dialect.js';

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'insufficient_quota',
  403: 'permission_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
};
const CODES: Readonly<Record<number, string>> = { 401: 'invalid_api_key', 429: 'rate_limit_exceeded' };

export function usageOf(script: Script): unknown {
  if (script.answer.usageRaw !== undefined) return script.answer.usageRaw;
  const { prompt, completion, cached, reasoning } = script.tokens;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached ?? 0 },
    completion_tokens_details: { reasoning_tokens: reasoning ?? 0 },
  };
}

const head = (script: Script) => ({ id: 'chatcmpl-simulated', created: 1_700_000_000, model: script.call.model });
const choicesOf = (script: Script): number[] => Array.from({ length: script.answer.choices ?? script.call.choices }, (_, index) => index);

function whole(script: Script): unknown {
  const message: Record<string, unknown> = { role: 'assistant', content: script.text === '' && script.calls.length > 0 ? null : script.text };
  if (script.reasoning.length > 0) message['reasoning_content'] = script.reasoning.join('');
  if (script.calls.length > 0)
    message['tool_calls'] = script.calls.map((call, index) => ({
      id: call.id,
      type: 'function',
      function: { name: call.name, arguments: script.arguments[index] },
    }));
  const answer = {
    ...head(script),
    object: 'chat.completion',
    choices: choicesOf(script).map((index) => ({ index, message, finish_reason: script.finish, logprobs: null })),
  };
  return script.answer.usageAt === 'never' ? answer : { ...answer, usage: usageOf(script) };
}

/** Where the usage stands is decided per chunk, so that every placement is one rule. */
class Chunks {
  private contentSeen = false;

  constructor(private readonly script: Script) {}

  chunk(choices: unknown[], kind: 'start' | 'content' | 'finish' | 'usage'): string {
    const first = kind === 'content' && !this.contentSeen;
    if (kind === 'content') this.contentSeen = true;
    const at = this.script.answer.usageAt ?? 'usual';
    const here = kind === 'usage' || (at === 'early' && first) || (at === 'with-finish' && kind === 'finish') || (at === 'every' && kind !== 'start');
    return sse({ ...head(this.script), object: 'chat.completion.chunk', choices, ...(here ? { usage: usageOf(this.script) } : {}) });
  }

  delta(delta: Record<string, unknown>): string {
    return choicesOf(this.script)
      .map((index) => this.chunk([{ index, delta, finish_reason: null }], 'content'))
      .join('');
  }
}

function* frames(script: Script): Iterable<Frame> {
  const chunks = new Chunks(script);
  yield {
    text: choicesOf(script)
      .map((index) => chunks.chunk([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }], 'start'))
      .join(''),
    content: false,
  };
  for (const piece of script.reasoning) yield { text: chunks.delta({ reasoning_content: piece }), content: true };
  for (const word of script.words()) yield { text: chunks.delta({ content: word }), content: true };
  for (const [index, call] of script.calls.entries()) {
    yield { text: chunks.delta({ tool_calls: [{ index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } }] }), content: true };
    for (const half of halves(script.arguments[index] ?? ''))
      yield { text: chunks.delta({ tool_calls: [{ index, function: { arguments: half } }] }), content: true };
  }
  if (script.answer.unfinished !== true)
    yield {
      text: choicesOf(script)
        .map((index) => chunks.chunk([{ index, delta: {}, finish_reason: script.finish }], 'finish'))
        .join(''),
      content: false,
    };
  yield* ending(script, chunks);
}

function* ending(script: Script, chunks: Chunks): Iterable<Frame> {
  const at = script.answer.usageAt ?? 'usual';
  const usage: Frame = {
    text: chunks.chunk([], 'usage'),
    content: false,
    ...(script.answer.usageAfterMs === undefined ? {} : { waitMs: script.answer.usageAfterMs }),
  };
  if (at === 'late' || (at === 'usual' && script.call.includeUsage)) yield usage;
  if (script.answer.terminator !== false) yield { text: sse('[DONE]'), content: false };
  if (at === 'after-end') yield usage;
}

const fault = ({ status = 500, message, code, param }: Fault): unknown => ({
  error: { message: message ?? `Simulated ${status}.`, type: TYPES[status] ?? 'server_error', param: param ?? null, code: code ?? CODES[status] ?? null },
});

export const openaiChat: Dialect = { whole, frames, fault, faultFrame: (error) => sse(fault(error)) };
