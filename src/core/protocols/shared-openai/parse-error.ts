import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isObject, type JsonObject } from '../../json/index.js';
import { errorWords, placeOf } from './error-words.js';

const MAX_NESTING = 4;
const MAX_MESSAGE_CHARS = 4_096;
/** Members that hold the words of an error that has no `error` member, and whose presence makes a body without an answer an error. */
const FLAT_WORDS = ['message', 'msg', 'error_msg', 'Message', 'errorMessage', 'error_message'];

/**
 * The error shapes of the OpenAI family: `{error:{…}}` (OpenAI), the same nested twice or in a list (OpenRouter, Gemini's
 * compatible API), flat (Mistral, Cerebras), `{code,error:"text"}` (xAI), `{detail}` (FastAPI), `{errors:[…]}` (Cloudflare, Writer),
 * `{fault:{faultstring}}` (Apigee), a plain text or page. Null when the body is no error of any of these shapes.
 */
export function parseError(body: unknown): UpstreamErrorFacts | null {
  if (typeof body === 'string') return textFacts(body);
  if (Array.isArray(body)) return body.length === 0 ? null : parseError(body[0]);
  return isObject(body) ? objectFacts(body, 0) : null;
}

function objectFacts(body: JsonObject, nesting: number): UpstreamErrorFacts | null {
  if (nesting > MAX_NESTING) return null;
  const error = body['error'] ?? body['Error'];
  if (isObject(error)) return isObject(error['error']) ? merge(objectFacts(error, nesting + 1), error) : detailed(error, body);
  if ((typeof error === 'string' && error !== '') || (Array.isArray(error) && error.length > 0)) return facts(errorWords(error), body, body);
  return withoutErrorMember(body);
}

function withoutErrorMember(body: JsonObject): UpstreamErrorFacts | null {
  const { errors, fault, detail } = body;
  const answer = body['choices'] !== undefined;
  if (Array.isArray(errors) && errors.length > 0) return listed(errors, body);
  if (isObject(errors) && !answer) return facts(errorWords(errors), {}, body);
  if (isObject(fault)) return detailed(fault, body);
  if (isObject(body['base_resp'])) return minimaxFacts(body['base_resp']) ?? flatFacts(body);
  return detail === undefined || answer ? flatFacts(body) : fastApi(detail, body);
}

const flatFacts = (body: JsonObject): UpstreamErrorFacts | null => (isFlatError(body) ? detailed(body, body) : null);

/** MiniMax says in every answer whether it is one: `base_resp.status_code`, 0 when it is. */
function minimaxFacts(base: JsonObject): UpstreamErrorFacts | null {
  const code = base['status_code'];
  if (code === 0 || code === undefined) return null;
  return { message: text(base['status_msg']) ?? '', rawCode: codeText(code) ?? null, rawType: null, param: null };
}

function listed(errors: readonly unknown[], body: JsonObject): UpstreamErrorFacts {
  const [first] = errors;
  return isObject(first) ? detailed(first, body) : facts(errorWords(errors), {}, body);
}

/** Mistral, vLLM, Cerebras, MiniMax: the members of an error at the top, and none of an answer. */
function isFlatError(body: JsonObject): boolean {
  if (body['object'] === 'error' || body['type'] === 'error') return true;
  if (body['choices'] !== undefined && body['choices'] !== null) return false;
  return FLAT_WORDS.some((name) => typeof body[name] === 'string') && body['usage'] === undefined;
}

function detailed(error: JsonObject, envelope: JsonObject): UpstreamErrorFacts {
  return facts(withOriginal(errorWords(error), error['metadata']), error, envelope);
}

function facts(message: string, error: JsonObject, envelope: JsonObject): UpstreamErrorFacts {
  const inner = error['innererror'] ?? error['inner_error'];
  const innerCode = isObject(inner) ? text(inner['code']) : undefined;
  const found: UpstreamErrorFacts = {
    message: message.slice(0, MAX_MESSAGE_CHARS),
    rawCode: firstDefined(codeText(error['code']), codeText(envelope['code']), codeText(error['error_code']), innerCode),
    rawType: firstDefined(text(error['type']), text(error['status']), innerCode),
    param: firstDefined(text(error['param'])),
  };
  const status = statusOf(error) ?? statusOf(envelope);
  if (status !== undefined) found.status = status;
  return found;
}

/** The inner error has the words, the outer one perhaps the code. */
function merge(inner: UpstreamErrorFacts | null, outer: JsonObject): UpstreamErrorFacts | null {
  if (inner === null) return null;
  const status = inner.status ?? statusOf(outer);
  return { ...inner, rawCode: inner.rawCode ?? codeText(outer['code']) ?? null, ...(status === undefined ? {} : { status }) };
}

/** OpenRouter puts the words of the provider behind it into `metadata.raw`, as text or as JSON in text. */
function withOriginal(message: string, metadata: unknown): string {
  if (!isObject(metadata)) return message;
  const raw = typeof metadata['raw'] === 'string' ? metadata['raw'] : isObject(metadata['raw']) ? JSON.stringify(metadata['raw']) : '';
  if (raw === '') return message;
  const words = originalWords(raw);
  return words === '' || message.includes(words) ? message : `${message}: ${words}`;
}

function originalWords(raw: string): string {
  try {
    return parseError(JSON.parse(raw) as unknown)?.message ?? raw;
  } catch {
    return raw;
  }
}

/** FastAPI: a text, or a list of places and complaints. */
function fastApi(detail: unknown, body: JsonObject): UpstreamErrorFacts | null {
  if (typeof detail === 'string') return facts(detail, {}, body);
  if (isObject(detail)) return detailed(detail, body);
  if (!Array.isArray(detail)) return null;
  const [first] = (detail as unknown[]).filter(isObject);
  return {
    message: errorWords(detail).slice(0, MAX_MESSAGE_CHARS),
    rawCode: first === undefined ? null : (text(first['type']) ?? null),
    rawType: null,
    param: first === undefined ? null : placeOf(first) || null,
  };
}

function textFacts(body: string): UpstreamErrorFacts | null {
  const trimmed = body.trim();
  if (trimmed === '') return null;
  const title = /<title[^>]*>([^<]{1,200})<\/title>/i.exec(trimmed.slice(0, 4_096))?.[1]?.trim();
  const words = title ?? (trimmed.startsWith('<') ? 'The provider answered with a page instead of JSON.' : trimmed);
  return { message: words.slice(0, MAX_MESSAGE_CHARS), rawCode: null, rawType: null, param: null };
}

const firstDefined = (...values: readonly (string | undefined)[]): string | null => values.find((value) => value !== undefined) ?? null;

const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

const codeText = (value: unknown): string | undefined => (typeof value === 'number' ? String(value) : text(value));

/** A status that the body states: a number, or digits in a text (`"429"`, MiniMax `http_code`). */
function statusOf(error: JsonObject): number | undefined {
  for (const key of ['code', 'status', 'status_code', 'statusCode', 'http_code', 'raw_status_code']) {
    const value = error[key];
    const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
    if (typeof status === 'number' && status >= 400 && status <= 599) return status;
  }
  return undefined;
}
