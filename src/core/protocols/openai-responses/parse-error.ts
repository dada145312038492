import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isObject } from '../../json/index.js';
import { openaiChat } from '../openai-chat/index.js';

/** The shapes of the OpenAI family, a failed response (`status: failed` with its `error`), and the `error` event. */
export function parseError(body: unknown): UpstreamErrorFacts | null {
  if (!isObject(body)) return openaiChat.parseError(body);
  if (isObject(body['response']) && body['error'] === undefined) return parseError(body['response']);
  return openaiChat.parseError(body);
}
