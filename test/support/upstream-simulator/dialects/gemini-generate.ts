import type { Fault } from '../scenario.js';
import type { Dialect, Frame, Script } from './dialect.js';

type Json = Record<string, unknown>;

const FINISH: Readonly<Record<Script['finish'], string>> = { stop: 'STOP', length: 'MAX_TOKENS', tool_calls: 'STOP', content_filter: 'SAFETY' };
const STATUS: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** Gemini's candidates exclude thoughts. */
function usageOf(script: Script): unknown {
  if (script.answer.usageRaw !== undefined) return script.answer.usageRaw;
  const { prompt, completion, cached, reasoning } = script.tokens;
  const thoughts = reasoning ?? 0;
  return {
    promptTokenCount: prompt,
    candidatesTokenCount: completion - thoughts,
    totalTokenCount: prompt + completion,
    ...(thoughts > 0 ? { thoughtsTokenCount: thoughts } : {}),
    ...(cached === undefined ? {} : { cachedContentTokenCount: cached }),
  };
}

const named = (script: Script): Json => ({ modelVersion: script.call.model, responseId: 'simulated' });
const choicesOf = (script: Script): number[] => Array.from({ length: script.answer.choices ?? script.call.choices }, (_, index) => index);
const thought = (text: string): Json => ({ text, thought: true });

/** Only the first of parallel calls carries the signature. */
function callPart(script: Script, index: number): Json {
  const functionCall = { name: script.calls[index]?.name, args: JSON.parse(script.arguments[index] || '{}') as unknown };
  return index === 0 && script.signature !== undefined ? { functionCall, thoughtSignature: script.signature } : { functionCall };
}

function whole(script: Script): unknown {
  const parts = [
    ...(script.reasoning.length > 0 ? [thought(script.reasoning.join(''))] : []),
    ...(script.text === '' ? [] : [{ text: script.text }]),
    ...script.calls.map((_, index) => callPart(script, index)),
  ];
  const answer = {
    candidates: choicesOf(script).map((index) => ({ content: { role: 'model', parts }, finishReason: FINISH[script.finish], index })),
    ...named(script),
  };
  return script.answer.usageAt === 'never' ? answer : { ...answer, usageMetadata: usageOf(script) };
}

function* frames(script: Script): Iterable<Frame> {
  const at = script.answer.usageAt ?? 'usual';
  let first = true;
  const say = (part: Json): Frame => {
    const usage = at === 'every' || at === 'usual' || (at === 'early' && first) ? { usageMetadata: usageOf(script) } : {};
    first = false;
    return {
      text: sse({ candidates: choicesOf(script).map((index) => ({ content: { role: 'model', parts: [part] }, index })), ...usage, ...named(script) }),
      content: true,
    };
  };
  for (const piece of script.reasoning) yield say(thought(piece));
  for (const word of script.words()) yield say({ text: word });
  for (const index of script.calls.keys()) yield say(callPart(script, index));
  const last = {
    candidates: choicesOf(script).map((index) => ({
      content: { role: 'model', parts: [{ text: '' }] },
      index,
      ...(script.answer.unfinished === true ? {} : { finishReason: FINISH[script.finish] }),
    })),
    ...named(script),
  };
  const here = at === 'usual' || at === 'every' || at === 'with-finish';
  yield { text: sse(here ? { ...last, usageMetadata: usageOf(script) } : last), content: false };
  if (at === 'late' || at === 'after-end')
    yield {
      text: sse({ usageMetadata: usageOf(script), ...named(script) }),
      content: false,
      ...(script.answer.usageAfterMs === undefined ? {} : { waitMs: script.answer.usageAfterMs }),
    };
}

const sse = (data: unknown): string => `data: ${JSON.stringify(data)}\r\n\r\n`;

function fault({ status = 500, message, code }: Fault): unknown {
  return { error: { code: status, message: message ?? `Simulated ${status}.`, status: code ?? STATUS[status] ?? 'UNKNOWN', details: [] } };
}

export const geminiGenerate: Dialect = { whole, frames, fault, faultFrame: (error) => sse(fault(error)) };
