import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isObject, type JsonObject } from './types.js';

/**
 * Reads error bodies of this family: Anthropic's `{type: "error", error: {type, message}}`; the same without the outer type, with a
 * `code` or MiniMax's `http_code` (litellm issue 38318); `{error: "text"}`; `{code, msg}` and `{detail}` of compatible servers.
 */
export function parseError(body: unknown): UpstreamErrorFacts | null {
  if (!isObject(body)) return null;
  // An answer, whatever else it holds.
  if (body['type'] === 'message' || Array.isArray(body['content'])) return null;
  const error = body['error'];
  if (isObject(error)) return factsOf(error, body);
  if (typeof error === 'string') return { message: error, rawCode: textOf(body['code']) ?? null };
  if (body['type'] === 'error') return factsOf(body, body);
  return minimaxStatus(body) ?? bareMessage(body);
}

function factsOf(error: JsonObject, body: JsonObject): UpstreamErrorFacts {
  const message = unwrapped(textOf(error['message']) ?? textOf(error['detail']) ?? '');
  const type = textOf(error['type']) ?? null;
  const facts: UpstreamErrorFacts = { message, rawCode: textOf(error['code']) ?? type, rawType: type };
  const status = statusOf(error, body, message);
  return status === undefined ? facts : { ...facts, status };
}

/** A gateway in front of the provider may pack its own JSON into the message (reported 2026: a throttled stream as `invalid_request_error`). */
function unwrapped(message: string): string {
  if (!message.startsWith('{')) return message;
  try {
    const inner: unknown = JSON.parse(message);
    const text = isObject(inner) ? (isObject(inner['error']) ? textOf(inner['error']['message']) : textOf(inner['message'])) : undefined;
    return text ?? message;
  } catch {
    return message;
  }
}

function statusOf(error: JsonObject, body: JsonObject, message: string): number | undefined {
  for (const value of [error['http_code'], body['http_code'], error['status'], body['status']]) {
    const status = typeof value === 'string' ? Number(value) : value;
    if (typeof status === 'number' && status >= 400 && status <= 599) return status;
  }
  return /^too many requests\b/i.test(message) ? 429 : undefined;
}

/** MiniMax answers 200 with `base_resp.status_code` other than 0. */
function minimaxStatus(body: JsonObject): UpstreamErrorFacts | null {
  const base = body['base_resp'];
  if (!isObject(base) || base['status_code'] === 0 || base['status_code'] === undefined) return null;
  return { message: textOf(base['status_msg']) ?? '', rawCode: textOf(base['status_code']) ?? null };
}

function bareMessage(body: JsonObject): UpstreamErrorFacts | null {
  const message = textOf(body['message']) ?? textOf(body['msg']) ?? textOf(body['detail']);
  if (message === undefined) return null;
  return { message, rawCode: textOf(body['code']) ?? null };
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}
