import type { FinishReason } from '../../chat/response.js';
import type { ResponseDialect } from '../dialect.js';

export const BEDROCK = 'bedrock-converse';
/** The tool a model is made to call when it has no structured output of its own; its input leaves as text. */
export const STRUCTURED_OUTPUT_TOOL = 'structured_output';

export const textOf = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Values of `stopReason` (API_runtime_Converse, read 2026-11-21). */
const FINISH: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  guardrail_intervened: 'content_filter',
  content_filtered: 'content_filter',
  malformed_model_output: 'error',
  malformed_tool_use: 'error',
};

export interface Finish {
  reason: FinishReason;
  raw: string | null;
  /** Set for a reason nobody knows. */
  drift?: string;
}

/** `emulated`: the call was the structured output, which is text to the client. */
export function finishOf(value: unknown, calls: { count: number; emulated: boolean }, dialect: ResponseDialect): Finish {
  const raw = textOf(value);
  const known = dialect.finishMap?.[raw] ?? FINISH[raw];
  const said = raw === '' ? null : raw;
  if (known === undefined) return { reason: calls.count > 0 ? 'tool_calls' : 'stop', raw: said, drift: `stop_reason:${said ?? 'missing'}` };
  return { reason: known === 'tool_calls' && calls.count === 0 && calls.emulated ? 'stop' : known, raw: said };
}
