import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isObject } from '../../json/index.js';

/** `{message, id?, error_type?}`, at some gateways before Cohere `{error: {message}}` or `{error: "text"}`. Null: no error of these shapes. */
export function parseError(body: unknown): UpstreamErrorFacts | null {
  if (!isObject(body)) return null;
  const { error } = body;
  if (isObject(error)) return { message: text(error['message']) ?? '', rawCode: text(error['code']) ?? text(error['type']) };
  const message = text(body['message']) ?? text(error);
  if (message === null) return null;
  return { message, rawCode: text(body['error_type']) ?? text(body['code']) };
}

const text = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);
