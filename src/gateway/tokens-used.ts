import { completionTokens, promptTokens, type Usage } from '../core/chat/usage.js';

/** What counts against a tokens-per-minute limit: prompt and answer, whatever they cost. */
export function tokensUsed(usage: Usage): number {
  return promptTokens(usage) + completionTokens(usage);
}
