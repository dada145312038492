import { isObject, type JsonObject } from '../json/index.js';
import { NO_USAGE, type Usage } from '../chat/usage.js';
import { parseUsage } from '../protocols/openai-chat/usage.js';
import { UnreadableAnswer } from '../protocols/protocol.js';
import type { WholeAnswer } from './operation.js';

/** The body as a JSON object. Throws UnreadableAnswer. */
export function jsonOf({ bytes }: WholeAnswer): JsonObject {
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new UnreadableAnswer('The provider’s answer is not valid JSON.');
  }
  if (!isObject(value)) throw new UnreadableAnswer('The provider’s answer is not a JSON object.');
  return value;
}

/** A list of objects under one of these names. Throws UnreadableAnswer. */
export function objectsOf(body: JsonObject, ...names: readonly string[]): JsonObject[] {
  for (const name of names) {
    const list = body[name];
    if (Array.isArray(list) && list.every(isObject)) return list;
  }
  throw new UnreadableAnswer(`The provider’s answer has no list \`${names.join('` or `')}\`.`);
}

/** OpenAI's usage object; where only a total is stated (Voyage, Jina), all of it is the prompt. */
export function usageOf(raw: unknown): Usage | undefined {
  const { usage } = parseUsage(raw, {});
  if (usage !== undefined) return usage;
  const total = isObject(raw) ? raw['total_tokens'] : undefined;
  return promptUsage(total);
}

/** A count of prompt tokens; undefined when it is none. Cohere writes whole numbers as decimals at times (`8.0`). */
export function promptUsage(tokens: unknown): Usage | undefined {
  return typeof tokens === 'number' && Number.isSafeInteger(tokens) && tokens >= 0 ? { ...NO_USAGE, input: tokens } : undefined;
}
