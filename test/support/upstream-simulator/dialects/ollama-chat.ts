import type { Fault } from '../scenario.js';
import type { Dialect, Frame, Script } from './dialect.js';

type Json = Record<string, unknown>;

/** It knows no finish reason for calls, and none for refused content. */
const DONE: Readonly<Record<Script['finish'], string>> = { stop: 'stop', length: 'length', tool_calls: 'stop', content_filter: 'stop' };

/** Counts and nanoseconds among the answer's other members; what was cached is not told. */
function usageOf(script: Script): Json {
  if (script.answer.usageRaw !== undefined) return script.answer.usageRaw as Json;
  return {
    total_duration: 5_000_000,
    load_duration: 1_000_000,
    prompt_eval_count: script.tokens.prompt,
    prompt_eval_duration: 1_000_000,
    eval_count: script.tokens.completion,
    eval_duration: 3_000_000,
  };
}

const head = (script: Script): Json => ({ model: script.call.model, created_at: '2026-11-29T00:00:00.123456Z' });

const callsOf = (script: Script): Json[] =>
  script.calls.map((call, index) => ({ id: call.id, function: { index, name: call.name, arguments: JSON.parse(script.arguments[index] || '{}') as unknown } }));

const end = (script: Script): Json => ({
  done: true,
  done_reason: DONE[script.finish],
  ...(script.answer.usageAt === 'never' ? {} : usageOf(script)),
});

function whole(script: Script): unknown {
  const thinking = script.reasoning.length > 0 ? { thinking: script.reasoning.join('') } : {};
  const calls = script.calls.length > 0 ? { tool_calls: callsOf(script) } : {};
  return { ...head(script), message: { role: 'assistant', content: script.text, ...thinking, ...calls }, ...end(script) };
}

function* frames(script: Script): Iterable<Frame> {
  const line = (message: Json, rest: Json, content: boolean): Frame => ({
    text: `${JSON.stringify({ ...head(script), message: { role: 'assistant', content: '', ...message }, ...rest })}\n`,
    content,
  });
  for (const thinking of script.reasoning) yield line({ thinking }, { done: false }, true);
  for (const content of script.words()) yield line({ content }, { done: false }, true);
  for (const call of callsOf(script)) yield line({ tool_calls: [call] }, { done: false }, true);
  if (script.answer.unfinished !== true && script.answer.terminator !== false) yield line({}, end(script), false);
}

const fault = ({ status = 500, message }: Fault): Json => ({ error: message ?? `Simulated ${status}.` });

export const ollamaChat: Dialect = {
  whole,
  frames,
  fault,
  faultFrame: (error) => `${JSON.stringify({ ...fault(error), status: error.status ?? 500 })}\n`,
  streamType: 'application/x-ndjson',
};
