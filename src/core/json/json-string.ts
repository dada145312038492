import { unitAt } from '../text/index.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
/** Up to so many a walk is cheaper than asking the engine. */
const WALKED_UNITS = 64;

/** The JSON text of a string, as JSON.stringify writes it. For names and ids, which are short and need no escape. */
export function jsonString(text: string): string {
  const { length } = text;
  if (length > WALKED_UNITS) return JSON.stringify(text);
  for (let at = 0; at < length; at += 1) {
    const unit = unitAt(text, at);
    if (unit < 0x20 || unit > 0x7e || unit === QUOTE || unit === BACKSLASH) return JSON.stringify(text);
  }
  return `"${text}"`;
}

const NOT_ASCII = /[\u0080-\uffff]/g;

/** The same JSON in ASCII alone. */
export function asciiJson(json: string): string {
  return json.replace(NOT_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The JSON text of any value; strings are mostly names and ids. */
export function jsonText(value: unknown): string {
  return typeof value === 'string' ? jsonString(value) : JSON.stringify(value);
}
