import { completionTokens, type Usage } from '../../chat/usage.js';
import type { AnswerSummary } from '../protocol.js';
import type { JsonObject } from './types.js';

/** Canonical usage → Anthropic's meaning: `input_tokens` without what was read from or written to a cache, `output_tokens` with thinking. */
export function renderUsage(usage: Usage): JsonObject {
  return {
    input_tokens: usage.input + usage.audioIn,
    cache_creation_input_tokens: usage.cacheWrite + usage.cacheWrite1h,
    cache_read_input_tokens: usage.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: usage.cacheWrite, ephemeral_1h_input_tokens: usage.cacheWrite1h },
    output_tokens: completionTokens(usage),
    ...(usage.reasoning > 0 ? { output_tokens_details: { thinking_tokens: usage.reasoning } } : {}),
  };
}

/** What the gateway adds to a client's usage; unknown members do not disturb Anthropic's SDKs. */
export function usageAdditions(summary: AnswerSummary): JsonObject {
  return {
    ...(summary.costUsd === undefined ? {} : { cost: Number(summary.costUsd) }),
    ...(summary.costDetails === undefined ? {} : { cost_details: summary.costDetails }),
    ...(summary.estimated ? { estimated: true } : {}),
  };
}
