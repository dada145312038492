import { isObject, type JsonObject } from '../../json/index.js';

export const PROTOCOL = 'openai-responses';
/** A part of a message's content that only this protocol knows; an opaque part of `PROTOCOL` itself is a whole item. */
export const CONTENT_PROTOCOL = 'openai-responses/content';

/** In the id of every item that this gateway made: no provider can look such an item up. */
export const OWN_ID = /^[a-z]+_og/;

export const text = (value: unknown): string => (typeof value === 'string' ? value : '');
export const objectsOf = (value: unknown): JsonObject[] => (Array.isArray(value) ? (value as unknown[]).filter(isObject) : []);

/** The argument under which a custom tool's free text travels where there are only tools with JSON arguments. */
const CUSTOM_INPUT = 'input';

export const customParameters = (): JsonObject => ({
  type: 'object',
  properties: { [CUSTOM_INPUT]: { type: 'string', description: 'The whole input of the tool, as plain text.' } },
  required: [CUSTOM_INPUT],
  additionalProperties: false,
});

export const wrapCustomInput = (input: string): string => JSON.stringify({ [CUSTOM_INPUT]: input });

/** The free text inside emulated arguments; arguments of another shape (a model that wrote plain text) are the text themselves. */
export function unwrapCustomInput(argumentsText: string): string {
  try {
    const value = JSON.parse(argumentsText) as unknown;
    if (isObject(value) && typeof value[CUSTOM_INPUT] === 'string') return value[CUSTOM_INPUT];
  } catch {
    // Plain text, or cut off by the limit of output.
  }
  return argumentsText;
}
