import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isObject } from '../../json/index.js';

/**
 * `{message}` (at some doors `{Message}` or `{__type, message}`); which exception it is stands in `x-amzn-errortype`, with a namespace
 * behind a colon or before a `#`. Null: no error of these shapes.
 */
export function parseError(body: unknown, headers: Readonly<Record<string, string>> = {}): UpstreamErrorFacts | null {
  if (!isObject(body) || isObject(body['output'])) return null;
  const { error } = body;
  const message = [body['message'], body['Message'], isObject(error) ? error['message'] : error].find(isText);
  const type = [headers['x-amzn-errortype'], body['__type'], body['code']].find(isText);
  if (message === undefined && type === undefined) return null;
  const name = type === undefined ? null : nameIn(type);
  return { message: message ?? name ?? '', rawCode: name };
}

const nameIn = (type: string): string => type.replace(/:.*$/, '').replace(/^.*#/, '');

const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** An exception inside a stream (`:message-type: exception`), or one that ends it (`error`). */
export function exceptionFacts(name: string, payload: unknown, words: string): UpstreamErrorFacts {
  const read = isObject(payload) ? [payload['message'], payload['Message']].find(isText) : undefined;
  const status = isObject(payload) ? payload['originalStatusCode'] : undefined;
  const facts: UpstreamErrorFacts = { message: read ?? (words === '' ? name : words), rawCode: name };
  return typeof status === 'number' && status >= 400 && status <= 599 ? { ...facts, status } : facts;
}
