import type { ChatResponse } from '../../chat/response.js';
import type { JsonObject } from '../../json/index.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { renderUsage } from './usage.js';

/** What a response says of the request it answers, and what it says when the request left it open (OpenAI's own defaults). */
const ECHOED: Readonly<Record<string, unknown>> = {
  background: false,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  prompt_cache_key: null,
  reasoning: { effort: null, summary: null },
  safety_identifier: null,
  service_tier: 'auto',
  store: false,
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: 'disabled',
  user: null,
};

/** A response object around its output. */
export function envelope(context: RenderContext, status: string, output: readonly JsonObject[]): JsonObject {
  const echo = context.echo ?? {};
  const repeated = Object.entries(ECHOED).map(([name, value]) => [name, echo[name] ?? value] as const);
  return {
    id: context.responseId,
    object: 'response',
    created_at: context.createdS,
    status,
    error: null,
    incomplete_details: null,
    model: context.model,
    output,
    ...Object.fromEntries(repeated),
    usage: null,
  };
}

export type Ended = Pick<ChatResponse['choices'][number], 'finish' | 'rawFinish'>;

/** How a finish reason is said here: a status, and for what was cut its reason. */
export function statusOf({ finish, rawFinish }: Ended): JsonObject & { status: string } {
  if (finish === 'length') return { status: 'incomplete', incomplete_details: { reason: 'max_output_tokens' } };
  if (finish === 'content_filter') return { status: 'incomplete', incomplete_details: { reason: 'content_filter' } };
  if (finish !== 'error') return { status: 'completed' };
  const words = `The provider broke the answer off${rawFinish === null ? '' : ` (${rawFinish})`}.`;
  return { status: 'failed', error: { code: 'server_error', message: words } };
}

/** What is known once the money is settled. */
export function summaryMembers(summary: AnswerSummary): JsonObject {
  return { usage: renderUsage(summary), ...(summary.og === undefined ? {} : { og: summary.og }) };
}
