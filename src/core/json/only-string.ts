import { cut, positionIn, unitAt } from '../text/index.js';

const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;
const QUOTE = 0x22;

/**
 * Of a valid JSON text, the string that is the value of the one member with this name, as it stands there, quotes included. Null when
 * the name stands nowhere or more than once, at whatever depth, or is no name of a string. For a long text whose JSON is wanted
 * again: to write it anew takes four times as long (a text of 700 characters, Node 24, 2026-11-30).
 */
export function onlyStringNamed(name: string, json: string): string | null {
  const quoted = `"${name}"`;
  const at = positionIn(json, quoted, 0);
  // Behind a backslash the quote is a character of some string.
  if (at <= 0 || unitAt(json, at - 1) === BACKSLASH) return null;
  const colonAt = at + quoted.length;
  if (unitAt(json, colonAt) !== COLON) return null;
  const valueAt = unitAt(json, colonAt + 1) === SPACE ? colonAt + 2 : colonAt + 1;
  if (unitAt(json, valueAt) !== QUOTE) return null;
  const end = closingQuote(json, valueAt + 1);
  return end === -1 || positionIn(json, quoted, end + 1) !== -1 ? null : cut(json, valueAt, end + 1);
}

/** The quote that ends the JSON string whose content begins at `from`; -1 when nothing does. */
export function closingQuote(text: string, from: number): number {
  let end = positionIn(text, '"', from);
  while (end !== -1 && isEscaped(text, from, end)) end = positionIn(text, '"', end + 1);
  return end;
}

function isEscaped(text: string, from: number, at: number): boolean {
  let before = at;
  while (before > from && unitAt(text, before - 1) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 1;
}
