import type { FinishReason } from '../../chat/response.js';
import { NO_USAGE, type Usage } from '../../chat/usage.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ResponseDialect } from '../dialect.js';

export const OLLAMA = 'ollama-chat';
export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** `load` and `unload` answer requests without messages. */
const FINISH: Readonly<Record<string, FinishReason>> = { stop: 'stop', length: 'length', load: 'stop', unload: 'stop', tool_calls: 'tool_calls' };

/** Servers before 0.1.38 send no `done_reason`. */
export function finishOf(raw: string, called: boolean, dialect: ResponseDialect): { finish: FinishReason; known: boolean } {
  const read = dialect.finishMap?.[raw] ?? FINISH[raw];
  const finish = read ?? 'stop';
  return { finish: called && finish === 'stop' ? 'tool_calls' : finish, known: read !== undefined || raw === '' };
}

/**
 * `prompt_eval_count` and `eval_count`, thoughts included in the latter. `undefined`: none; null: not to be believed. Older servers
 * leave the prompt's count out when they had it cached: then the prompt's size is not known, and 0 would be wrong.
 */
export function parseUsage(answer: JsonObject): Usage | null | undefined {
  const prompt = answer['prompt_eval_count'];
  const output = answer['eval_count'];
  if (prompt === undefined && output === undefined) return undefined;
  if (!isCount(prompt) || !isCount(output)) return null;
  return { ...NO_USAGE, input: prompt, output };
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;

export interface ReadCall {
  id: string;
  name: string;
  arguments: string;
}

/** Calls come whole; servers before 0.12 give them no id. */
export function callsOf(message: JsonObject): ReadCall[] {
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isObject) : [];
  return calls.map((call) => {
    const made = isObject(call['function']) ? call['function'] : {};
    const given = made['arguments'];
    return { id: textOf(call['id']), name: textOf(made['name']), arguments: typeof given === 'string' ? given : JSON.stringify(given ?? {}) };
  });
}

export function startFacts(answer: JsonObject): { upstreamModel?: string; createdS?: number } {
  const createdMs = Date.parse(textOf(answer['created_at']));
  const model = textOf(answer['model']);
  return { ...(model !== '' && { upstreamModel: model }), ...(createdMs > 0 && { createdS: Math.floor(createdMs / 1_000) }) };
}

/** The server's list in OpenAI's form. */
export function logprobsOf(answer: JsonObject): unknown {
  return Array.isArray(answer['logprobs']) && answer['logprobs'].length > 0 ? { content: answer['logprobs'] } : undefined;
}
