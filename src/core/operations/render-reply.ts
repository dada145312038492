import type { JsonObject } from '../json/index.js';
import { promptTokens } from '../chat/usage.js';
import { renderUsage } from '../protocols/openai-chat/usage.js';
import type { OperationContext, OperationReply } from './operation.js';

export function jsonReply(body: JsonObject): OperationReply {
  return { contentType: 'application/json', body: JSON.stringify(body) };
}

/** OpenAI's usage of an operation without completion: prompt and total, and what it cost. */
export function promptUsageReply({ summary }: OperationContext): JsonObject {
  const prompt = promptTokens(summary.usage);
  const { cost, cost_details: costDetails } = renderUsage(summary);
  return {
    prompt_tokens: prompt,
    total_tokens: prompt,
    ...(summary.estimated ? { estimated: true } : {}),
    ...(cost === undefined ? {} : { cost, cost_details: costDetails }),
  };
}
