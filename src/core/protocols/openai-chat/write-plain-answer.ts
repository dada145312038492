import type { ChatResponse, Choice } from '../../chat/response.js';
import { isObject, literal, member, onlyStringNamed, type JsonBytes, type JsonObject } from '../../json/index.js';
import type { AnswerRoute, NativeAnswer, RenderContext } from '../protocol.js';
import { RENDERED } from './render-response.js';
import { writeUsage } from './write-usage.js';

/** Members that every answer must have, to be written in its own order. */
const IDENTITY_MEMBERS = 6;
const CHOICE_MEMBERS = 3;

const ID = member('id');
const OBJECT = literal('"object":"chat.completion"');
const CREATED = member('created');
const MODEL = member('model');
const CHOICES = member('choices');
const USAGE = member('usage');
const OG = member('og');

/**
 * The JSON of `renderNativeResponse` for the answer that nearly every answer is: one choice, one text, all of the usual members.
 * False for every other one; then nothing is written. Member by member into bytes, because copying the provider's object to change
 * four members of it and then having it serialised costs several times as much (`response.spec.ts` holds one against the other).
 */
export function writePlainAnswer(json: JsonBytes, answer: NativeAnswer): boolean {
  const start = json.length;
  if (answer.raw['og'] === undefined && writeWhole(json, answer)) return true;
  json.length = start;
  return false;
}

function writeWhole(json: JsonBytes, answer: NativeAnswer): boolean {
  const { raw, response, summary } = answer;
  const choice = plainChoice(raw['choices'], response);
  if (choice === null) return false;
  let written = 0;
  json.beginWhole();
  for (const name in raw) {
    if (name === 'choices') {
      if (!writeChoice(json, choice, response)) return false;
    } else if (name === 'usage') {
      json.beginObjectOf(USAGE);
      writeUsage(json, summary);
      json.endObject();
    } else if (!writeIdentity(json, name, answer.context)) {
      json.named(name, raw[name]);
      continue;
    }
    written += 1;
  }
  if (summary.og !== undefined) writeRoute(json, summary.og);
  json.endObject();
  return written === IDENTITY_MEMBERS;
}

/** False for another member. */
function writeIdentity(json: JsonBytes, name: string, { responseId, createdS, model }: RenderContext): boolean {
  if (name === 'id') json.text(ID, responseId);
  else if (name === 'object') json.literal(OBJECT);
  else if (name === 'created') json.number(CREATED, createdS);
  else if (name === 'model') json.text(MODEL, model);
  else return false;
  return true;
}

const PROVIDER = member('provider');
const ATTEMPTS = member('attempts');
const REQUEST_ID = member('request_id');
const FALLBACK = member('fallback');

function writeRoute(json: JsonBytes, { provider, model, attempts, request_id: requestId, fallback }: AnswerRoute): void {
  json.beginObjectOf(OG);
  if (provider !== undefined) json.text(PROVIDER, provider);
  if (model !== undefined) json.text(MODEL, model);
  if (attempts !== undefined) json.number(ATTEMPTS, attempts);
  if (requestId !== undefined) json.text(REQUEST_ID, requestId);
  if (fallback !== undefined) json.text(FALLBACK, fallback);
  json.endObject();
}

/** The provider's one choice, when its message has nothing but what is rendered of it anyway. */
function plainChoice(raw: unknown, { choices }: ChatResponse): JsonObject | null {
  const [choice] = Array.isArray(raw) && raw.length === 1 ? (raw as unknown[]) : [];
  if (onlyText(choices) === null || !isObject(choice) || choice['index'] !== 0) return null;
  return isObject(choice['message']) && hasRenderedAlone(choice['message']) ? choice : null;
}

const INDEX = literal('"index":0');
const LOGPROBS = member('logprobs');
const FINISH_REASON = member('finish_reason');

/** In the order of the provider's members; `logprobs` follows where there are none. */
function writeChoice(json: JsonBytes, raw: JsonObject, response: ChatResponse): boolean {
  let written = 0;
  json.beginArrayOf(CHOICES);
  json.beginObject();
  for (const name in raw) {
    if (name === 'index') json.literal(INDEX);
    else if (name === 'message') writeMessage(json, raw['message'] as JsonObject, response);
    else if (name === 'finish_reason') json.text(FINISH_REASON, (response.choices[0] as Choice).finish);
    else {
      json.named(name, raw[name]);
      continue;
    }
    written += 1;
  }
  if (raw['logprobs'] === undefined) json.text(LOGPROBS, null);
  json.endObject();
  json.endArray();
  return written === CHOICE_MEMBERS;
}

const MESSAGE = literal('"message":{"role":"assistant","content":');
const MESSAGE_END = literal(',"refusal":null}');

/** The text as the provider wrote it, where that can be found. */
function writeMessage(json: JsonBytes, message: JsonObject, { choices, rawText }: ChatResponse): void {
  const text = onlyText(choices) as string;
  const own = rawText === undefined || message['content'] !== text ? null : onlyStringNamed('content', rawText);
  json.literal(MESSAGE, own ?? JSON.stringify(text));
  json.more(MESSAGE_END);
}

function onlyText(choices: readonly Choice[]): string | null {
  const [choice] = choices;
  if (choices.length !== 1 || choice?.index !== 0 || choice.parts.length !== 1) return null;
  const [part] = choice.parts;
  return part?.type === 'text' && part.annotations === undefined ? part.text : null;
}

function hasRenderedAlone(message: JsonObject): boolean {
  for (const name in message) if (!RENDERED.has(name)) return false;
  return true;
}
