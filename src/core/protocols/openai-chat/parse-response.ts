import type { ChatEvent } from '../../chat/event.js';
import { ResponseOfEvents } from '../../chat/response-of-events.js';
import type { ChatResponse } from '../../chat/response.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { UnreadableAnswer, type ParseContext } from '../protocol.js';
import { parseError } from '../shared-openai/index.js';
import { plainResponse } from './plain-response.js';
import { ChunkReader } from './read-chunk.js';

const KNOWN: ReadonlySet<string> = new Set(['id', 'object', 'created', 'model', 'choices', 'usage', 'service_tier', 'system_fingerprint', 'x_groq', 'error']);

/** `chat.completion` → canonical. Throws UnreadableAnswer for errors in a 200 and for what is no answer. */
export function parseResponse(body: unknown, context: ParseContext): ChatResponse {
  if (!isObject(body)) throw new UnreadableAnswer('The answer is not a JSON object.', parseError(body));
  refuseErrors(body);
  const choices = body['choices'];
  if (!Array.isArray(choices) || choices.length === 0) throw new UnreadableAnswer('The answer has no choices.', parseError(body));
  const plain = plainResponse(body, choices, context);
  if (plain === null) return readInFull(body, choices, context);
  plain.extra = extraOf(body);
  return plain;
}

/** Whatever stands in it, by way of the events it would be as a stream. Exported for the test that holds the short way against it. */
export function readInFull(body: JsonObject, choices: readonly unknown[], context: ParseContext): ChatResponse {
  const reader = new ChunkReader(context.dialect, true);
  const events = [...reader.read(body), ...reader.flush()];
  const failed = events.find((event) => event.type === 'finish' && event.reason === 'error');
  if (failed !== undefined) throw new UnreadableAnswer('The provider ended the answer with an error.', finishFacts(failed));
  return { ...gather(events, choices), extra: extraOf(body) };
}

function gather(events: readonly ChatEvent[], choices: readonly unknown[]): ChatResponse {
  const gathered = new ResponseOfEvents();
  for (const event of events) gathered.push(event);
  const finished = new Set(events.map((event) => (event.type === 'finish' ? event.choice : -1)));
  choices.forEach((choice, at) => {
    const index = isObject(choice) && typeof choice['index'] === 'number' ? choice['index'] : at;
    if (finished.has(index)) return;
    gathered.push({ type: 'finish', choice: index, reason: 'stop', raw: null });
    gathered.push({ type: 'drift', what: 'finish:missing' });
  });
  return gathered.response();
}

function refuseErrors(body: JsonObject): void {
  const [first] = Array.isArray(body['choices']) ? (body['choices'] as unknown[]) : [];
  const inChoice = isObject(first) && isObject(first['error']) ? first : null;
  const bearer = isTruthyError(body['error']) || body['object'] === 'error' ? body : inChoice;
  if (bearer === null) return;
  const facts = parseError(bearer);
  throw new UnreadableAnswer(facts?.message ?? 'The provider answered 200 with an error.', facts);
}

/** `error: null` and `error: {}` stand in good answers of some servers. */
export function isTruthyError(error: unknown): boolean {
  return isObject(error) ? Object.keys(error).length > 0 : typeof error === 'string' && error !== '';
}

/** A choice that ended with `error` or `insufficient_system_resource` (DeepSeek: the server ran out, another may not). */
export function finishFacts(event: ChatEvent) {
  const raw = event.type === 'finish' ? (event.raw ?? 'error') : 'error';
  const overloaded = raw === 'insufficient_system_resource';
  return {
    message: `The provider ended its answer with finish_reason "${raw}".`,
    rawCode: raw,
    rawType: null,
    param: null,
    ...(overloaded ? { status: 503 } : {}),
  };
}

function extraOf(body: JsonObject): Record<string, unknown> {
  if (hasKnownAlone(body)) return {};
  // fromEntries defines members, so that one named __proto__ stays plain data.
  return Object.fromEntries(Object.entries(body).filter(([key]) => !KNOWN.has(key)));
}

function hasKnownAlone(body: JsonObject): boolean {
  for (const name in body) if (!KNOWN.has(name)) return false;
  return true;
}
