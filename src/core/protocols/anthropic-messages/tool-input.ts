import { isObject, type JsonObject } from './types.js';

/** Where arguments that are no JSON object end up: Anthropic takes objects only, and a history must not be refused for a call cut off by `length`. */
const RAW_ARGUMENTS = 'raw_arguments';

/** JSON text of a tool call's arguments → `input`. */
export function toolInput(text: string): JsonObject {
  if (text.trim() === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : { [RAW_ARGUMENTS]: text };
  } catch {
    return { [RAW_ARGUMENTS]: text };
  }
}
