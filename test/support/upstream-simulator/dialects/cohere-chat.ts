import type { Fault } from '../scenario.js';
import { halves, sse, type Dialect, type Frame, type Script } from './dialect.js';

type Json = Record<string, unknown>;

const FINISH: Readonly<Record<Script['finish'], string>> = { stop: 'COMPLETE', length: 'MAX_TOKENS', tool_calls: 'TOOL_CALL', content_filter: 'ERROR_TOXIC' };

/** `tokens` include what was cached and thought. */
function usageOf(script: Script): unknown {
  if (script.answer.usageRaw !== undefined) return script.answer.usageRaw;
  const { prompt, completion, cached } = script.tokens;
  const billed_units = { input_tokens: Math.min(8, prompt), output_tokens: completion };
  return { billed_units, tokens: { input_tokens: prompt, output_tokens: completion }, cached_tokens: cached ?? 0 };
}

const callOf = (script: Script, index: number): Json => ({
  id: script.calls[index]?.id,
  type: 'function',
  function: { name: script.calls[index]?.name, arguments: script.arguments[index] },
});

function whole(script: Script): unknown {
  const content = [
    ...(script.reasoning.length > 0 ? [{ type: 'thinking', thinking: script.reasoning.join('') }] : []),
    ...(script.text === '' ? [] : [{ type: 'text', text: script.text }]),
  ];
  const calls = script.calls.map((_, index) => callOf(script, index));
  const message = { role: 'assistant', ...(content.length > 0 ? { content } : {}), ...(calls.length > 0 ? { tool_calls: calls } : {}) };
  const answer = { id: 'simulated', finish_reason: FINISH[script.finish], message };
  return script.answer.usageAt === 'never' ? answer : { ...answer, usage: usageOf(script) };
}

const event = (type: string, data: Json, content = false): Frame => ({ text: sse({ type, ...data }, type), content });
const said = (message: Json): Json => ({ delta: { message } });

function* frames(script: Script): Iterable<Frame> {
  yield event('message-start', { id: 'simulated', ...said({ role: 'assistant', content: [], tool_plan: '', tool_calls: [], citations: [] }) });
  let index = 0;
  if (script.reasoning.length > 0) yield* block(index++, 'thinking', script.reasoning);
  if (script.text !== '' || script.answer.endless === true) yield* block(index++, 'text', script.words());
  for (const place of script.calls.keys()) {
    const call = callOf(script, place);
    yield event('tool-call-start', { index: place, ...said({ tool_calls: { ...call, function: { name: script.calls[place]?.name, arguments: '' } } }) }, true);
    for (const half of halves(script.arguments[place] ?? ''))
      yield event('tool-call-delta', { index: place, ...said({ tool_calls: { function: { arguments: half } } }) }, true);
    yield event('tool-call-end', { index: place });
  }
  if (script.answer.terminator === false) return;
  const usage = script.answer.usageAt === 'never' ? {} : { usage: usageOf(script) };
  const reason = script.answer.unfinished === true ? {} : { finish_reason: FINISH[script.finish] };
  const wait = script.answer.usageAfterMs === undefined ? {} : { waitMs: script.answer.usageAfterMs };
  yield { ...event('message-end', { id: 'simulated', delta: { ...reason, ...usage } }), ...wait };
}

function* block(index: number, type: 'text' | 'thinking', pieces: Iterable<string>): Iterable<Frame> {
  yield event('content-start', { index, ...said({ content: { type, [type]: '' } }) });
  for (const piece of pieces) yield event('content-delta', { index, ...said({ content: { [type]: piece } }) }, true);
  yield event('content-end', { index });
}

const fault = ({ status = 500, message, code }: Fault): Json => ({
  id: 'simulated',
  message: message ?? `Simulated ${status}.`,
  ...(code === undefined ? {} : { error_type: code }),
});

export const cohereChat: Dialect = { whole, frames, fault, faultFrame: (error) => sse(fault(error)) };
