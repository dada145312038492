import type { Part } from '../../chat/message.js';
import type { ChatResponse } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { parseError } from './parse-error.js';
import { callsOf, finishOf, logprobsOf, OLLAMA, parseUsage, startFacts, textOf } from './read-answer.js';

/** A whole answer → canonical. Dialect word read: `finishMap`. */
export function parseResponse(body: unknown, context: ParseContext): ChatResponse {
  if (!isObject(body) || !isObject(body['message'])) {
    const facts = parseError(body);
    throw new UnreadableAnswer(facts?.message ?? 'The answer has no message.', facts);
  }
  const parts = partsOf(body['message']);
  const raw = textOf(body['done_reason']);
  const { finish, known } = finishOf(
    raw,
    parts.some((part) => part.type === 'tool-call'),
    context.dialect,
  );
  const logprobs = logprobsOf(body);
  return {
    ...startFacts(body),
    choices: [{ index: 0, parts, finish, rawFinish: raw === '' ? null : raw, ...(logprobs !== undefined && { logprobs }) }],
    drift: known ? [] : [`done_reason:${raw}`],
    extra: {},
    ...usageOf(body),
  };
}

function partsOf(message: JsonObject): Part[] {
  const parts: Part[] = [];
  const thinking = textOf(message['thinking']);
  const text = textOf(message['content']);
  if (thinking !== '') parts.push({ type: 'reasoning', text: thinking, origin: OLLAMA });
  if (text !== '') parts.push({ type: 'text', text });
  return [...parts, ...callsOf(message).map((call): Part => ({ type: 'tool-call', ...call }))];
}

function usageOf(body: JsonObject): Pick<ChatResponse, 'usage' | 'usageProblem' | 'rawUsage'> {
  const usage = parseUsage(body);
  if (usage === undefined) return { usageProblem: 'missing' };
  const rawUsage = rawUsageOf(body);
  return usage === null ? { usageProblem: 'invalid', rawUsage } : { usage, rawUsage };
}

/** The counts and durations (nanoseconds) that stand among the answer's other members. */
export function rawUsageOf(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => /_(?:count|duration)$/.test(name)));
}
