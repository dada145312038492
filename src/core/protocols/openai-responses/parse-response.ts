import type { ChatEvent } from '../../chat/event.js';
import { ResponseOfEvents } from '../../chat/response-of-events.js';
import type { ChatResponse } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { responseOfChat } from './chat-answer.js';
import { finishOf } from './finish.js';
import { parseError } from './parse-error.js';
import { completedItem, nothingSaid } from './read-item.js';
import { objectsOf, text } from './types.js';
import { parseUsage } from './usage.js';

/** What only the provider knows of an answer; what repeats the request is not kept. */
const PROVIDER_ONLY = ['citations', 'content_filters', 'moderation'];

/** `response` → canonical. Throws UnreadableAnswer for errors in a 200 and for what is no answer. */
export function parseResponse(answer: unknown, context: ParseContext): ChatResponse {
  if (!isObject(answer)) throw new UnreadableAnswer('The answer is not a JSON object.', parseError(answer));
  refuseErrors(answer);
  const body = Array.isArray(answer['choices']) ? responseOfChat(answer) : answer;
  if (!Array.isArray(body['output'])) throw new UnreadableAnswer('The answer has no output.', parseError(body));
  const gathered = new ResponseOfEvents();
  for (const event of eventsOf(body, context)) gathered.push(event);
  return { ...gathered.response(), extra: Object.fromEntries(PROVIDER_ONLY.filter((name) => name in body).map((name) => [name, body[name]])) };
}

function eventsOf(body: JsonObject, context: ParseContext): ChatEvent[] {
  let callCount = 0;
  const items = objectsOf(body['output']).flatMap((item) => completedItem(item, nothingSaid(), () => callCount++));
  return [startEvent(body), ...items, ...endEvents(body, callCount > 0, context)];
}

export function startEvent(response: JsonObject): Extract<ChatEvent, { type: 'start' }> {
  const start: Extract<ChatEvent, { type: 'start' }> = { type: 'start' };
  if (text(response['id']) !== '') start.upstreamId = text(response['id']);
  if (text(response['model']) !== '') start.upstreamModel = text(response['model']);
  if (typeof response['created_at'] === 'number') start.createdS = response['created_at'];
  if (text(response['service_tier']) !== '') start.serviceTier = text(response['service_tier']);
  return start;
}

/** Usage and finish of a response that did not fail. */
export function endEvents(response: JsonObject, called: boolean, { dialect }: ParseContext): ChatEvent[] {
  const raw = response['usage'];
  const { usage } = parseUsage(raw, dialect.usageSemantics);
  const { reason, raw: word, drift } = finishOf(response, called, dialect);
  return [
    ...(drift === undefined ? [] : [{ type: 'drift' as const, what: drift }]),
    ...(isObject(raw) ? [{ type: 'usage' as const, ...(usage === undefined ? {} : { usage }), raw }] : []),
    { type: 'finish', choice: 0, reason, raw: word },
  ];
}

/** `error: null` stands in every good answer. */
function refuseErrors(body: JsonObject): void {
  const failed = body['status'] === 'failed' || body['status'] === 'cancelled' || body['object'] === 'error';
  const stated = isObject(body['error']) ? Object.keys(body['error']).length > 0 : text(body['error']) !== '';
  if (!failed && !stated) return;
  const facts = parseError(body);
  throw new UnreadableAnswer(facts?.message ?? 'The provider answered 200 with a response that failed.', facts);
}
