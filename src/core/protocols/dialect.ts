import type { FinishReason } from '../chat/response.js';
import type { HealthEffect } from '../errors/upstream-failure.js';
import type { ErrorCode } from '../errors/catalogue.js';

/** What a provider's usage numbers include, so that they can be split into disjoint classes. */
export interface UsageSemantics {
  /** prompt/input tokens include cache reads. */
  promptIncludesCacheRead: boolean;
  /** prompt/input tokens include cache writes. */
  promptIncludesCacheWrite: boolean;
  /** completion/output tokens include reasoning. */
  completionIncludesReasoning: boolean;
}

export type UsageAt = 'usage' | 'x_groq';
export type ReasoningAt = 'reasoning_content' | 'reasoning' | 'reasoning_text' | 'reasoning_details' | 'thinking_content' | 'content_parts' | 'think_tags';

/**
 * The words in which a definition states how a provider's *answers* deviate from its protocol.
 * Every word is optional; a protocol documents which it reads and its default. Words for *requests* are in providers/dialect.
 */
export interface ResponseDialect {
  usageSemantics?: Partial<UsageSemantics>;
  /** Where stream usage stands; several places are looked at in order. Default: `usage`. */
  usageAt?: readonly UsageAt[];
  /** Where reasoning text stands; the first field that has some wins, so that nothing is shown twice. */
  reasoningAt?: readonly ReasoningAt[];
  /** Raw finish reason → ours, before the protocol's own table. */
  finishMap?: Readonly<Record<string, FinishReason>>;
  /** Raw error code or type → catalogue code, before the common table. */
  errorMap?: Readonly<Record<string, ErrorCode>>;
  /** Raw error code or type → effect on health, before the common table. */
  errorHealth?: Readonly<Record<string, HealthEffect>>;
  /** The provider's streams end without the protocol's terminator; a finish reason and a clean end suffice. Default true for openai-chat. */
  endsWithoutTerminator?: boolean;
}
