import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isWire, type Wire } from './wire.js';

/**
 * Google's error model (https://google.aip.dev/193, read 2026-11-21): `{error: {code, message, status, details[]}}`, also inside a 200, inside a
 * stream, and wrapped in an array when the stream is not SSE (`[{error}]`). Null when the body is not of that shape.
 */
export function parseError(body: unknown): UpstreamErrorFacts | null {
  const holder: unknown = Array.isArray(body) ? body.find((entry) => isWire(entry) && entry['error'] !== undefined) : body;
  if (!isWire(holder)) return null;
  const error = holder['error'];
  if (typeof error === 'string') return { message: error, rawCode: typeof holder['error_description'] === 'string' ? error : null };
  if (!isWire(error)) return null;
  return factsOf(error);
}

function factsOf(error: Wire): UpstreamErrorFacts | null {
  const status = typeof error['status'] === 'string' ? error['status'] : null;
  const code = Number.isInteger(error['code']) ? (error['code'] as number) : null;
  const message = typeof error['message'] === 'string' ? error['message'] : '';
  if (status === null && code === null && message === '') return null;
  const details = Array.isArray(error['details']) ? error['details'].filter(isWire) : [];
  const reason = detail(details, 'ErrorInfo')?.['reason'];
  const facts: UpstreamErrorFacts = { message, rawCode: typeof reason === 'string' && reason !== '' ? reason : status, rawType: status };
  if (code !== null && code >= 400 && code <= 599) facts.status = code;
  const param = paramOf(details);
  if (param !== undefined) facts.param = param;
  const retryAfterMs = durationMs(detail(details, 'RetryInfo')?.['retryDelay']);
  if (retryAfterMs !== undefined) facts.retryAfterMs = retryAfterMs;
  return facts;
}

function detail(details: readonly Wire[], type: string): Wire | undefined {
  return details.find((entry) => entry['@type'] === `type.googleapis.com/google.rpc.${type}`);
}

function paramOf(details: readonly Wire[]): string | undefined {
  const violations = detail(details, 'BadRequest')?.['fieldViolations'];
  const first: unknown = Array.isArray(violations) ? violations[0] : undefined;
  return isWire(first) && typeof first['field'] === 'string' && first['field'] !== '' ? first['field'] : undefined;
}

/** `"48s"`, `"0.317s"`, or `{seconds, nanos}`. Milliseconds, rounded up; undefined when it is neither or negative. */
function durationMs(value: unknown): number | undefined {
  const seconds = typeof value === 'string' ? Number(/^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(value)?.[1] ?? Number.NaN) : isWire(value) ? Number(value['seconds'] ?? 0) + Number(value['nanos'] ?? 0) / 1e9 : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1_000) : undefined;
}
