import type { FinishReason } from '../../chat/response.js';
import type { ResponseDialect } from '../dialect.js';

/** Values of `stop_reason` (SDK 1.11 and platform.claude.com "Stop reasons", 2026-11; `compaction` from the compaction beta). */
const FINISH: Readonly<Record<string, FinishReason>> = {
  end_turn: 'stop',
  stop_sequence: 'stop',
  pause_turn: 'stop',
  compaction: 'stop',
  max_tokens: 'length',
  model_context_window_exceeded: 'length',
  tool_use: 'tool_calls',
  refusal: 'content_filter',
};

const STOP: Readonly<Record<FinishReason, string>> = {
  stop: 'end_turn',
  length: 'max_tokens',
  tool_calls: 'tool_use',
  content_filter: 'refusal',
  error: 'error',
};

/** Null: a value we do not know. */
export function finishOf(raw: string, dialect: ResponseDialect): FinishReason | null {
  return dialect.finishMap?.[raw] ?? FINISH[raw] ?? null;
}

/** Canonical → wire. A raw value that is Anthropic's own and means the same is kept (`pause_turn`). */
export function stopReasonOf(finish: FinishReason, raw: string | null, stopSequence: string | null | undefined): string {
  if (raw !== null && FINISH[raw] === finish) return raw;
  if (finish === 'stop' && typeof stopSequence === 'string') return 'stop_sequence';
  return STOP[finish];
}
