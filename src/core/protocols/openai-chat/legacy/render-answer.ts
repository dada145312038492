import type { ChatEvent } from '../../../chat/event.js';
import type { ChatResponse, FinishReason } from '../../../chat/response.js';
import type { GatewayError } from '../../../errors/gateway-error.js';
import type { JsonObject } from '../../../json/index.js';
import type { AnswerSummary, RenderContext, StreamItem, StreamRenderer } from '../../protocol.js';
import { renderError } from '../../shared-openai/index.js';
import { renderUsage } from '../usage.js';

export function renderResponse(response: ChatResponse, context: RenderContext, summary: AnswerSummary): JsonObject {
  const choices = response.choices.map(({ index, parts, finish, logprobs }) => {
    const text = parts.map((part) => (part.type === 'text' || part.type === 'refusal' ? part.text : '')).join('');
    return choiceOf(index, text, { finish, logprobs });
  });
  return { ...identity(context), choices, usage: renderUsage(summary), ...ogOf(summary) };
}

/** Text chunks; thoughts and tool calls have no place in completions. */
export class CompletionsStreamRenderer implements StreamRenderer {
  constructor(private readonly context: RenderContext) {}

  render({ events }: StreamItem): string {
    return events.map((event) => this.frame(event)).join('');
  }

  finish(summary: AnswerSummary): string {
    const done = 'data: [DONE]\n\n';
    if (!this.context.includeUsage) return done;
    return `${data({ ...identity(this.context), choices: [], usage: renderUsage(summary), ...ogOf(summary) })}${done}`;
  }

  fail(error: GatewayError, summary?: AnswerSummary): string {
    const usage = summary === undefined ? {} : { usage: renderUsage(summary) };
    return data({ ...renderError(error, this.context.requestId), choices: [{ index: 0, text: '', logprobs: null, finish_reason: 'error' }], ...usage });
  }

  heartbeat(): string {
    return ': keep-alive\n\n';
  }

  private frame(event: ChatEvent): string {
    if (event.type === 'text-delta' || event.type === 'refusal-delta') return this.chunk(choiceOf(event.choice, event.text, {}));
    if (event.type === 'finish') return this.chunk(choiceOf(event.choice, '', { finish: event.reason }));
    return '';
  }

  private chunk(choice: JsonObject): string {
    return data({ ...identity(this.context), choices: [choice], ...(this.context.includeUsage ? { usage: null } : {}) });
  }
}

function choiceOf(index: number, text: string, { finish, logprobs }: { finish?: FinishReason; logprobs?: unknown }): JsonObject {
  return { text, index, logprobs: logprobs ?? null, finish_reason: finish === 'tool_calls' ? 'stop' : (finish ?? null) };
}

const data = (body: JsonObject): string => `data: ${JSON.stringify(body)}\n\n`;
const ogOf = ({ og }: AnswerSummary): JsonObject => (og === undefined ? {} : { og });
const identity = ({ responseId, createdS, model }: RenderContext): JsonObject => ({ id: responseId, object: 'text_completion', created: createdS, model });
