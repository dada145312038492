import type { Fault } from '../scenario.js';
import { halves, sse, type Dialect, type Frame, type Script } from './dialect.js';
import { openaiChat } from './openai-chat.js';

type Json = Record<string, unknown>;

const INCOMPLETE: Readonly<Partial<Record<Script['finish'], string>>> = { length: 'max_output_tokens', content_filter: 'content_filter' };

function usageOf(script: Script): unknown {
  if (script.answer.usageRaw !== undefined) return script.answer.usageRaw;
  const { prompt, completion, cached, reasoning } = script.tokens;
  return {
    input_tokens: prompt,
    input_tokens_details: { cached_tokens: cached ?? 0 },
    output_tokens: completion,
    output_tokens_details: { reasoning_tokens: reasoning ?? 0 },
    total_tokens: prompt + completion,
  };
}

const head = (script: Script): Json => ({ id: 'resp_simulated', object: 'response', created_at: 1_700_000_000, model: script.call.model, error: null });

const reasoningItem = (script: Script): Json => ({
  type: 'reasoning',
  id: 'rs_simulated',
  summary: [{ type: 'summary_text', text: script.reasoning.join('') }],
  ...(script.signature === undefined ? {} : { encrypted_content: script.signature }),
});

const part = (text: string): Json => ({ type: 'output_text', text, annotations: [] });
const message = (script: Script): Json => ({ type: 'message', id: 'msg_simulated', role: 'assistant', status: 'completed', content: [part(script.text)] });

const call = (script: Script, index: number): Json => ({
  type: 'function_call',
  id: `fc_${index}`,
  call_id: script.calls[index]?.id,
  name: script.calls[index]?.name,
  arguments: script.arguments[index],
  status: 'completed',
});

const hasText = (script: Script): boolean => script.text !== '' || script.answer.endless === true;

function whole(script: Script): Json {
  const reason = INCOMPLETE[script.finish];
  const output = [
    ...(script.reasoning.length > 0 ? [reasoningItem(script)] : []),
    ...(hasText(script) ? [message(script)] : []),
    ...script.calls.map((_, index) => call(script, index)),
  ];
  const answer = {
    ...head(script),
    status: reason === undefined ? 'completed' : 'incomplete',
    incomplete_details: reason === undefined ? null : { reason },
    output,
  };
  return script.answer.usageAt === 'never' ? answer : { ...answer, usage: usageOf(script) };
}

/** Numbers events and items as they go out. */
class Events {
  private sequence = 0;
  private place = 0;

  event(type: string, data: Json, content = false): Frame {
    return { text: sse({ type, sequence_number: this.sequence++, ...data }, type), content };
  }

  *item(opened: Json, closed: Json, deltas: Iterable<readonly [string, Json]>): Iterable<Frame> {
    const output_index = this.place++;
    const where = { output_index, item_id: closed['id'] };
    yield this.event('response.output_item.added', { output_index, item: opened });
    for (const [type, data] of deltas) yield this.event(type, { ...where, ...data }, type.endsWith('.delta'));
    yield this.event('response.output_item.done', { output_index, item: closed });
  }
}

function* frames(script: Script): Iterable<Frame> {
  const events = new Events();
  const begun = { ...head(script), status: 'in_progress', output: [] };
  yield events.event('response.created', { response: begun });
  yield events.event('response.in_progress', { response: begun });
  if (script.reasoning.length > 0) yield* events.item({ type: 'reasoning', id: 'rs_simulated', summary: [] }, reasoningItem(script), thoughts(script));
  if (hasText(script)) yield* events.item({ ...message(script), status: 'in_progress', content: [] }, message(script), words(script));
  for (const index of script.calls.keys()) {
    const pieces = halves(script.arguments[index] ?? '').map((delta) => ['response.function_call_arguments.delta', { delta }] as const);
    yield* events.item({ ...call(script, index), arguments: '', status: 'in_progress' }, call(script, index), pieces);
  }
  if (script.answer.terminator === false || script.answer.unfinished === true) return;
  const wait = script.answer.usageAfterMs === undefined ? {} : { waitMs: script.answer.usageAfterMs };
  yield { ...events.event(`response.${INCOMPLETE[script.finish] === undefined ? 'completed' : 'incomplete'}`, { response: whole(script) }), ...wait };
}

function* thoughts(script: Script): Iterable<readonly [string, Json]> {
  yield ['response.reasoning_summary_part.added', { summary_index: 0, part: { type: 'summary_text', text: '' } }];
  for (const delta of script.reasoning) yield ['response.reasoning_summary_text.delta', { summary_index: 0, delta }];
  yield ['response.reasoning_summary_text.done', { summary_index: 0, text: script.reasoning.join('') }];
}

function* words(script: Script): Iterable<readonly [string, Json]> {
  yield ['response.content_part.added', { content_index: 0, part: part('') }];
  for (const delta of script.words()) yield ['response.output_text.delta', { content_index: 0, delta, logprobs: [] }];
  yield ['response.output_text.done', { content_index: 0, text: script.text }];
  yield ['response.content_part.done', { content_index: 0, part: part(script.text) }];
}

function faultFrame({ status = 500, message: said, code }: Fault): string {
  const error = { code: code ?? (status === 429 ? 'rate_limit_exceeded' : 'server_error'), message: said ?? `Simulated ${status}.` };
  return sse({ type: 'response.failed', response: { id: 'resp_simulated', object: 'response', status: 'failed', output: [], error } }, 'response.failed');
}

export const openaiResponses: Dialect = { whole, frames, fault: openaiChat.fault, faultFrame };
