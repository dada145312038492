import type { FinishReason } from '../../chat/response.js';
import type { ResponseDialect } from '../dialect.js';

const REASON_WORDS: Readonly<Record<FinishReason, string>> = {
  stop: 'stop eos eos_token eos_found end endoftext end_turn end_of_turn end_of_text stop_sequence stop_token stop_str stop_string pause_turn complete completed done finished user_cancel load',
  length: 'length max_tokens max_length max_new_tokens max_output_tokens max_completion_tokens model_length model_context_window_exceeded context_length_exceeded token_limit limit',
  tool_calls: 'tool_calls tool_call tool_use function_call function_calls',
  content_filter:
    'content_filter content_filtered content_moderation safety sensitive recitation refusal language blocklist prohibited_content spii image_safety guardrail_intervened guardrails moderation error_toxic model_armor',
  error: 'error insufficient_system_resource network_error abort aborted cancelled canceled timeout malformed_function_call function_call_filter unexpected_tool_call unexpected_eos',
};

/**
 * Words of the OpenAI family and of those who translate into it for the end of a choice, lower case, `-` as `_` (spec providers.md section 5; recorded
 * traffic; the closed lists of vLLM, TGI, SGLang, Z.ai, Gemini's compatible API and of litellm issue 21348, read 2026-11-29).
 */
const REASONS: ReadonlyMap<string, FinishReason> = new Map(
  (Object.entries(REASON_WORDS) as [FinishReason, string][]).flatMap(([reason, words]) => words.split(' ').map((word) => [word, reason] as const)),
);

/** `known: false` is an unknown word: taken as `stop`, and counted as drift. */
export function finishReason(raw: string, dialect: ResponseDialect): { reason: FinishReason; known: boolean } {
  const own = dialect.finishMap;
  if (own !== undefined && Object.hasOwn(own, raw)) return { reason: own[raw] as FinishReason, known: true };
  const plain = REASONS.get(raw);
  if (plain !== undefined) return { reason: plain, known: true };
  // Gemini's compatible API says why behind a colon: `content_filter: SAFETY`.
  const word = (raw.split(':', 1)[0] as string).trim().toLowerCase().replaceAll('-', '_');
  const reason = REASONS.get(word);
  return { reason: reason ?? 'stop', known: reason !== undefined };
}
