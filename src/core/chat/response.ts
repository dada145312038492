import type { Part } from './message.js';
import type { Usage } from './usage.js';

/** OpenAI's vocabulary; the provider's own word stands beside it as `rawFinish`. */
export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'error';

export interface Choice {
  index: number;
  /** Reasoning, text, tool calls, refusal, images … in the order the model made them. */
  parts: Part[];
  finish: FinishReason;
  rawFinish: string | null;
  stopSequence?: string | null;
  /** OpenAI's logprobs object, passed on as it is. */
  logprobs?: unknown;
}

export interface ChatResponse {
  /** The upstream's own id and model name, for the log only. */
  upstreamId?: string;
  upstreamModel?: string;
  createdS?: number;
  choices: Choice[];
  /** Undefined: the provider sent none, or none that can be believed (see `usageProblem`). */
  usage?: Usage;
  usageProblem?: 'missing' | 'invalid';
  /** The provider's usage object as received. */
  rawUsage?: unknown;
  /** The JSON it was read from, when it was one. */
  rawText?: string;
  serviceTier?: string;
  systemFingerprint?: string;
  /** Surprises worth counting: unknown block types, finish reasons, usage fields (`finish_reason:foo`). */
  drift: string[];
  /** Top-level members only the provider knows (`citations`, `search_results`), kept for clients of the same family. */
  extra: Record<string, unknown>;
}
