import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isObject } from '../../json/index.js';
import { parseError as parseFamilyError } from '../shared-openai/index.js';

/** The shapes of the OpenAI family, a failed response (`status: failed` with its `error`), and the `error` event. */
export function parseError(body: unknown): UpstreamErrorFacts | null {
  const inner = isObject(body) && isObject(body['response']) && body['error'] === undefined ? body['response'] : body;
  return parseFamilyError(inner);
}
