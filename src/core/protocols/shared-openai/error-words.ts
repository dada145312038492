import { isObject, type JsonObject } from '../../json/index.js';

const MAX_DEPTH = 5;
const MAX_ITEMS = 20;
/**
 * Where the words of an error stand, the likelier first: `message` everywhere, `msg` and `loc` in FastAPI's complaints, `description` at Writer,
 * `Message` at AWS, `faultstring` at Apigee, `title` in RFC 9457 (read 2026-11-29).
 */
const NAMES = ['message', 'msg', 'error_msg', 'Message', 'errorMessage', 'error_message', 'detail', 'description', 'error_description', 'faultstring', 'reason', 'error', 'title'];

/** The words of an error in whatever they are wrapped: a text, a list, an object in an object. '' when there are none. Bounded in depth and width. */
export function errorWords(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value;
  if (depth > MAX_DEPTH) return '';
  if (Array.isArray(value)) return joined(value.slice(0, MAX_ITEMS).map((item) => errorWords(item, depth + 1)));
  return isObject(value) ? wordsOfObject(value, depth) : '';
}

function wordsOfObject(object: JsonObject, depth: number): string {
  const place = placeOf(object);
  for (const name of NAMES) {
    const words = object[name] === undefined ? '' : errorWords(object[name], depth + 1);
    if (words !== '') return place === '' ? words : `${place}: ${words}`;
  }
  return wordsByField(object, depth);
}

/** The place a FastAPI complaint names (`messages.0.content`); '' when it names none. */
export function placeOf({ loc }: JsonObject): string {
  return Array.isArray(loc) ? loc.filter((step) => step !== 'body').join('.') : '';
}

/** `{field: ["complaint", …]}`, as ASP.NET and Rails write them. */
function wordsByField(object: JsonObject, depth: number): string {
  const fields = Object.entries(object).filter(([, value]) => Array.isArray(value) && value.every((item) => typeof item === 'string'));
  return joined(fields.slice(0, MAX_ITEMS).map(([name, value]) => `${name}: ${errorWords(value, depth + 1)}`));
}

const joined = (words: readonly string[]): string => words.filter((word) => word !== '').join('; ');
