import { isObject } from '../json/index.js';

/**
 * Members of usage objects that are read, or known to say nothing about tokens: OpenAI's two APIs, Anthropic, Gemini, Bedrock,
 * Cohere, Ollama and those who write like them (recorded traffic of 26 providers, read 2026-11-21).
 */
const KNOWN: ReadonlySet<string> = new Set(
  // Line by line: words cut out of one text put together here are no constants, and would be compared with names letter by letter (twice the time).
  [
    'prompt_tokens completion_tokens total_tokens input_tokens output_tokens prompt_tokens_details prompt_token_details completion_tokens_details',
    'input_tokens_details output_tokens_details cached_tokens num_cached_tokens prompt_cache_hit_tokens prompt_cache_miss_tokens cache_write_tokens',
    'cache_creation_input_tokens cache_read_input_tokens cache_creation cache_type ephemeral_5m_input_tokens ephemeral_1h_input_tokens reasoning_tokens thinking_tokens',
    'audio_tokens audio_prompt_tokens prompt_audio_seconds text_tokens image_tokens video_tokens citation_tokens num_search_queries',
    'accepted_prediction_tokens rejected_prediction_tokens iterations type server_tool_use web_search_requests web_fetch_requests service_tier inference_geo speed',
    'promptTokenCount candidatesTokenCount totalTokenCount thoughtsTokenCount cachedContentTokenCount toolUsePromptTokenCount promptTokensDetails',
    'candidatesTokensDetails cacheTokensDetails toolUsePromptTokensDetails trafficType serviceTier',
    'inputTokens outputTokens totalTokens cacheReadInputTokens cacheWriteInputTokens cacheReadInputTokenCount cacheWriteInputTokenCount cacheDetails serverToolUsage',
    'billed_units tokens search_units classifications prompt_eval_count eval_count prompt_eval_duration eval_duration total_duration load_duration',
    'cost cost_details is_byok cost_in_usd_ticks input_tokens_cost output_tokens_cost request_cost total_cost citation_tokens_cost reasoning_tokens_cost search_queries_cost',
    'upstream_inference_cost upstream_inference_prompt_cost upstream_inference_completions_cost currency input_cost request_count',
    'search_context_size num_sources_used num_server_side_tools_used server_side_tool_usage_details context_details',
    'queue_time prompt_time completion_time total_time time_to_first_token time_to_first_token_ms time_per_output_token_ms tokens_per_second prompt_tokens_per_second',
    'completion_tokens_per_sec total_tokens_per_sec total_latency stop_reason is_last_response acceptance_rate start_time end_time',
    'completion_tokens_after_first_per_sec completion_tokens_after_first_per_sec_first_ten',
    'draft_tokens draft_tokens_acceptance avg_tok_per_sec avg_prompt_tok_per_sec avg_compl_tok_per_sec total_time_sec total_prompt_time_sec total_completion_time_sec',
  ].flatMap((line) => line.split(' ')),
);
/** Objects whose members are the provider's own affair: prices, tools it ran itself. */
const CLOSED: ReadonlySet<string> = new Set([
  'cost',
  'cost_details',
  'server_side_tool_usage_details',
  'context_details',
  'serverToolUsage',
  'server_tool_use',
]);
const MAX_FOUND = 5;
const MAX_NAME_CHARS = 40;

/** Members of a provider's usage object that nobody here reads: a new class of tokens would be billed to no one until somebody looks. */
export function unknownUsageFields(raw: unknown): string[] {
  const found: string[] = [];
  if (isObject(raw)) collect(raw, '', found);
  return found;
}

function collect(usage: Readonly<Record<string, unknown>>, prefix: string, found: string[]): void {
  for (const name in usage) {
    const value = usage[name];
    if (found.length >= MAX_FOUND || value === null) continue;
    if (!KNOWN.has(name)) found.push(`${prefix}${name}`.slice(0, MAX_NAME_CHARS));
    else if (prefix === '' && isObject(value) && !CLOSED.has(name)) collect(value, `${name}.`, found);
  }
}
