import type { ChatResponse, Choice } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ResponseDialect } from '../dialect.js';
import type { ParseContext } from '../protocol.js';
import { factsOf } from './answer-facts.js';
import { finishReason } from './finish-reason.js';
import { DEFAULT_REASONING_AT } from './reasoning-source.js';
import { usageOf } from './usage.js';

/**
 * The answer that nearly every answer is: one choice, its message a text that is not empty, a finish reason that is known,
 * and no member besides that says anything. Null for every other one, which `parseResponse` reads in full; for this one it would
 * come to the same (`response.spec.ts`), by way of events at three times the cost.
 */
export function plainResponse(body: JsonObject, choices: readonly unknown[], { dialect }: ParseContext): ChatResponse | null {
  const choice = plainChoice(choices);
  const text = choice === null || (dialect.reasoningAt ?? DEFAULT_REASONING_AT).includes('think_tags') ? null : plainText(choice['message']);
  if (choice === null || text === null) return null;
  const rawFinish = choice['finish_reason'] as string;
  const { reason, known } = finishReason(rawFinish, dialect);
  if (!known || reason === 'error') return null;
  const said: Choice = { index: 0, parts: [{ type: 'text', text }], finish: reason, rawFinish };
  const response: ChatResponse = { ...factsOf(body), choices: [said], drift: [], extra: {} };
  noteUsage(response, body, dialect);
  return response;
}

/** The only one, with a finish reason. */
function plainChoice(choices: readonly unknown[]): JsonObject | null {
  const [choice] = choices;
  if (choices.length !== 1 || !isObject(choice) || choice['index'] !== 0 || isObject(choice['logprobs'])) return null;
  return typeof choice['finish_reason'] === 'string' ? choice : null;
}

/** Null when the message is more, or less, than one text. */
function plainText(message: unknown): string | null {
  if (!isObject(message)) return null;
  const { content } = message;
  if (typeof content !== 'string' || content === '') return null;
  for (const name in message) if (name !== 'content' && name !== 'role' && !isNothing(name, message[name])) return null;
  return content;
}

/** `annotations: []` stands in every answer of OpenAI. A member that nobody knows is drift even when it is empty. */
const isNothing = (name: string, value: unknown): boolean => value === null || ((name === 'annotations' || name === 'tool_calls') && Array.isArray(value) && value.length === 0);

function noteUsage(response: ChatResponse, body: JsonObject, dialect: ResponseDialect): void {
  const found = usageOf(body, dialect);
  if (found === undefined) response.usageProblem = 'missing';
  else {
    response.rawUsage = found.raw;
    if (found.usage === undefined) response.usageProblem = 'invalid';
    else response.usage = found.usage;
  }
}
