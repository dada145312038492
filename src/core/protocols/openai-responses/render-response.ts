import { eventsOfResponse } from '../../chat/events-of-response.js';
import { normaliseResponse } from '../../chat/normalise-response.js';
import type { ChatResponse } from '../../chat/response.js';
import type { JsonObject } from '../../json/index.js';
import type { AnswerSummary, RenderContext } from '../protocol.js';
import { envelope, statusOf, summaryMembers } from './envelope.js';
import { patchResponse } from './native-event.js';
import { OutputWriter } from './output-writer.js';
import { parseResponse } from './parse-response.js';

/** The same items that a stream of this answer would have told. */
export function renderResponse(response: ChatResponse, context: RenderContext, summary: AnswerSummary): JsonObject {
  const writer = new OutputWriter(context, () => '');
  for (const event of eventsOfResponse(response)) if ('choice' in event && event.choice === 0) writer.write(event);
  writer.closeAll();
  const [choice] = response.choices;
  return {
    ...envelope(context, 'completed', writer.output),
    ...statusOf({ finish: choice?.finish ?? 'stop', rawFinish: choice?.rawFinish ?? null }),
    ...(response.serviceTier === undefined ? {} : { service_tier: response.serviceTier }),
    ...summaryMembers(summary),
  };
}

export function renderNativeResponse(raw: JsonObject, context: RenderContext, summary: AnswerSummary, read?: ChatResponse): JsonObject {
  const response = read ?? normaliseResponse(parseResponse(raw, { dialect: {}, choices: 1 }), context.requestId);
  // A stream that was gathered, or an answer of another API, has no output of its own.
  return Array.isArray(raw['output']) ? patchResponse(raw, context, summary, response) : renderResponse(response, context, summary);
}
