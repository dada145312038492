import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isObject } from '../../json/index.js';

/** `{error: "text"}`, also as a line of a stream and inside a 200; with `status` or `StatusCode` from Ollama's cloud. Null: no error. */
export function parseError(body: unknown): UpstreamErrorFacts | null {
  if (!isObject(body)) return null;
  const { error } = body;
  const message = isObject(error) ? error['message'] : error;
  if (typeof message !== 'string' || message === '') return null;
  const status = [body['status'], body['StatusCode'], isObject(error) ? error['code'] : undefined].find(isErrorStatus);
  const code = isObject(error) && typeof error['type'] === 'string' ? error['type'] : null;
  return { message, rawCode: code, ...(status !== undefined && { status }) };
}

const isErrorStatus = (value: unknown): value is number => typeof value === 'number' && value >= 400 && value <= 599;
