/**
 * JSON that PostgreSQL takes: it refuses U+0000 and lone surrogates in text, and one such character would fail a whole batch.
 * `JSON.stringify` writes exactly these as escapes; an escape counts only after an even number of backslashes.
 */
const UNSTORABLE = /(?<!\\)((?:\\\\)*)\\u(?:0000|d[89a-f][0-9a-f]{2})/gi;

export function storableJson(value: unknown): string {
  const json = JSON.stringify(value);
  return json.includes('\\u') ? json.replace(UNSTORABLE, '$1\\ufffd') : json;
}
