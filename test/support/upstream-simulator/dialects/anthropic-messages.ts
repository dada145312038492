import type { Fault } from '../scenario.js';
import { halves, sse, type Dialect, type Frame, type Script } from './dialect.js';

const STOP: Readonly<Record<Script['finish'], string>> = { stop: 'end_turn', length: 'max_tokens', tool_calls: 'tool_use', content_filter: 'refusal' };
const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  529: 'overloaded_error',
};

/** Anthropic's input tokens exclude cache reads. */
function inputOf(script: Script): Record<string, unknown> {
  const cached = script.tokens.cached ?? 0;
  return { input_tokens: script.tokens.prompt - cached, cache_read_input_tokens: cached, cache_creation_input_tokens: 0 };
}

function wholeUsage(script: Script): unknown {
  return script.answer.usageRaw ?? { ...inputOf(script), output_tokens: script.tokens.completion };
}

function blocks(script: Script): Record<string, unknown>[] {
  return [
    ...(script.reasoning.length > 0 ? [{ type: 'thinking', thinking: script.reasoning.join(''), signature: script.signature ?? 'c2ltdWxhdGVk' }] : []),
    ...(script.text === '' ? [] : [{ type: 'text', text: script.text }]),
    ...script.calls.map((call, index) => ({ type: 'tool_use', id: call.id, name: call.name, input: JSON.parse(script.arguments[index] || '{}') as unknown })),
  ];
}

function whole(script: Script): unknown {
  const message = {
    id: 'msg_simulated',
    type: 'message',
    role: 'assistant',
    model: script.call.model,
    content: blocks(script),
    stop_reason: STOP[script.finish],
    stop_sequence: null,
  };
  return script.answer.usageAt === 'never' ? message : { ...message, usage: wholeUsage(script) };
}

const event = (type: string, data: Record<string, unknown>): string => sse({ type, ...data }, type);
const frame = (text: string, content = false): Frame => ({ text, content });

function* frames(script: Script): Iterable<Frame> {
  const at = script.answer.usageAt ?? 'usual';
  const said = at === 'usual' || at === 'early' || at === 'every';
  const usage = said ? { usage: script.answer.usageRaw ?? { ...inputOf(script), output_tokens: at === 'early' ? script.tokens.completion : 1 } } : {};
  yield frame(
    event('message_start', {
      message: {
        id: 'msg_simulated',
        type: 'message',
        role: 'assistant',
        model: script.call.model,
        content: [],
        stop_reason: null,
        stop_sequence: null,
        ...usage,
      },
    }),
  );
  yield frame(event('ping', {}));
  yield* blockFrames(script);
  yield* ending(script);
}

function* blockFrames(script: Script): Iterable<Frame> {
  let index = 0;
  const open = (block: Record<string, unknown>): Frame => frame(event('content_block_start', { index, content_block: block }));
  const delta = (value: Record<string, unknown>, content = true): Frame => frame(event('content_block_delta', { index, delta: value }), content);
  const close = (): Frame => {
    index += 1;
    return frame(event('content_block_stop', { index: index - 1 }));
  };
  if (script.reasoning.length > 0) {
    yield open({ type: 'thinking', thinking: '', signature: '' });
    for (const piece of script.reasoning) yield delta({ type: 'thinking_delta', thinking: piece });
    yield delta({ type: 'signature_delta', signature: script.signature ?? 'c2ltdWxhdGVk' }, false);
    yield close();
  }
  if (script.text !== '' || script.answer.endless === true) {
    yield open({ type: 'text', text: '' });
    for (const word of script.words()) yield delta({ type: 'text_delta', text: word });
    yield close();
  }
  for (const [place, call] of script.calls.entries()) {
    yield open({ type: 'tool_use', id: call.id, name: call.name, input: {} });
    for (const half of halves(script.arguments[place] ?? '')) yield delta({ type: 'input_json_delta', partial_json: half });
    yield close();
  }
}

function* ending(script: Script): Iterable<Frame> {
  const at = script.answer.usageAt ?? 'usual';
  const early = at === 'early' || at === 'never' || at === 'after-end';
  const usage = early ? {} : { usage: script.answer.usageRaw ?? { ...(at === 'usual' ? {} : inputOf(script)), output_tokens: script.tokens.completion } };
  const wait = script.answer.usageAfterMs === undefined ? {} : { waitMs: script.answer.usageAfterMs };
  if (script.answer.unfinished !== true)
    yield { ...frame(event('message_delta', { delta: { stop_reason: STOP[script.finish], stop_sequence: null }, ...usage })), ...wait };
  if (script.answer.terminator !== false) yield frame(event('message_stop', {}));
}

const fault = ({ status = 500, message, code }: Fault): unknown => ({
  type: 'error',
  error: { type: code ?? TYPES[status] ?? 'api_error', message: message ?? `Simulated ${status}.` },
  request_id: 'req_simulated',
});

export const anthropicMessages: Dialect = { whole, frames, fault, faultFrame: (error) => sse(fault(error), 'error') };
