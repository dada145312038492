import { isObject, type JsonObject } from './types.js';

/** Where arguments that are no JSON object end up: Anthropic takes objects only, and a history must not be refused for a call cut off by `length`. */
const RAW_ARGUMENTS = 'raw_arguments';

/** ES2025 (Node 22 and later), not yet in TypeScript's es2023 library. */
interface SourceKeepingJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { source?: string }) => unknown): unknown;
  rawJSON(text: string): unknown;
}
const json = JSON as unknown as SourceKeepingJson;

/** JSON text of a tool call's arguments → `input`. Whole numbers beyond 2^53 (ids) keep their digits when it is written again. */
export function toolInput(text: string): JsonObject {
  // Llama at Groq and Cohere's models write `null` for a tool without parameters (recorded 2026).
  if (text.trim() === '' || text.trim() === 'null') return {};
  try {
    const value = json.parse(text, (_key, member, { source }) => (source !== undefined && isLongInteger(member) ? json.rawJSON(source) : member));
    return isObject(value) ? value : { [RAW_ARGUMENTS]: text };
  } catch {
    return { [RAW_ARGUMENTS]: text };
  }
}

function isLongInteger(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value);
}
