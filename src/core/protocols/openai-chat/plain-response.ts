import type { ChatResponse, Choice } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import type { ResponseDialect } from '../dialect.js';
import type { ParseContext } from '../protocol.js';
import { factsOf } from './answer-facts.js';
import { finishReason } from './finish-reason.js';
import { usageOf } from './usage.js';

/**
 * The answer that nearly every answer is: one choice, its message a text that is not empty, a finish reason that is known,
 * and no member besides that says anything. Null for every other one, which `parseResponse` reads in full; for this one it would
 * come to the same (`response.spec.ts`), by way of events at three times the cost.
 */
export function plainResponse(body: JsonObject, choices: readonly unknown[], { dialect }: ParseContext): ChatResponse | null {
  const choice = plainChoice(choices);
  const text = choice === null || readsThinkTags(dialect) ? null : plainText(choice['message']);
  if (choice === null || text === null) return null;
  const rawFinish = choice['finish_reason'] as string;
  const { reason, known } = finishReason(rawFinish, dialect);
  if (!known || reason === 'error') return null;
  const said: Choice = { index: 0, parts: [{ type: 'text', text }], finish: reason, rawFinish };
  const { upstreamId, upstreamModel, createdS, serviceTier, systemFingerprint } = factsOf(body);
  const found = usageOf(body, dialect);
  return {
    upstreamId,
    upstreamModel,
    createdS,
    choices: [said],
    usage: found?.usage,
    usageProblem: usageProblemOf(found),
    rawUsage: found?.raw,
    serviceTier,
    systemFingerprint,
    drift: [],
    extra: {},
  };
}

function usageProblemOf(found: ReturnType<typeof usageOf>): ChatResponse['usageProblem'] {
  if (found === undefined) return 'missing';
  return found.usage === undefined ? 'invalid' : undefined;
}

function readsThinkTags({ reasoningAt }: ResponseDialect): boolean {
  return reasoningAt !== undefined && reasoningAt.includes('think_tags');
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
