import type { FinishReason } from '../../chat/response.js';
import type { ResponseDialect } from '../dialect.js';

/** Words of the OpenAI family for the end of a choice (spec providers.md section 5; recorded traffic). Lower case. */
const REASONS: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  length: 'length',
  tool_calls: 'tool_calls',
  content_filter: 'content_filter',
  function_call: 'tool_calls',
  tool_call: 'tool_calls',
  tool_use: 'tool_calls',
  eos: 'stop',
  eos_token: 'stop',
  end_turn: 'stop',
  stop_sequence: 'stop',
  complete: 'stop',
  completed: 'stop',
  model_length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  safety: 'content_filter',
  sensitive: 'content_filter',
  recitation: 'content_filter',
  refusal: 'content_filter',
  error: 'error',
  insufficient_system_resource: 'error',
  network_error: 'error',
  abort: 'error',
};

/** `known: false` is an unknown word: taken as `stop`, and counted as drift. */
export function finishReason(raw: string, dialect: ResponseDialect): { reason: FinishReason; known: boolean } {
  const own = dialect.finishMap;
  if (own !== undefined && Object.hasOwn(own, raw)) return { reason: own[raw] as FinishReason, known: true };
  const word = raw.toLowerCase();
  const reason = Object.hasOwn(REASONS, word) ? REASONS[word] : undefined;
  return { reason: reason ?? 'stop', known: reason !== undefined };
}
