import type { UpstreamErrorFacts } from '../../errors/upstream-failure.js';
import { isWire, put, type Wire } from './wire.js';

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
  const status = textOf(error['status']);
  const code = error['code'];
  const message = textOf(error['message']) ?? '';
  if (status === null && message === '' && !Number.isInteger(code)) return null;
  const details = Array.isArray(error['details']) ? error['details'].filter(isWire) : [];
  const facts: UpstreamErrorFacts = { message, rawCode: textOf(detail(details, 'ErrorInfo')['reason']) ?? status, rawType: status };
  put(facts, 'status', typeof code === 'number' && code >= 400 && code <= 599 ? code : undefined);
  put(facts, 'param', paramOf(details));
  put(facts, 'retryAfterMs', durationMs(detail(details, 'RetryInfo')['retryDelay']));
  return facts;
}

const textOf = (value: unknown): string | null => (typeof value === 'string' && value !== '' ? value : null);

/** The first detail of that type; empty when there is none. */
function detail(details: readonly Wire[], type: string): Wire {
  return details.find((entry) => entry['@type'] === `type.googleapis.com/google.rpc.${type}`) ?? {};
}

function paramOf(details: readonly Wire[]): string | undefined {
  const violations = detail(details, 'BadRequest')['fieldViolations'];
  const first: unknown = Array.isArray(violations) ? violations[0] : undefined;
  return isWire(first) ? (textOf(first['field']) ?? undefined) : undefined;
}

/** `"48s"`, `"0.317s"`, or `{seconds, nanos}`. Milliseconds, rounded up; undefined when it is neither or negative. */
function durationMs(value: unknown): number | undefined {
  const seconds =
    typeof value === 'string'
      ? Number(/^(\d{1,9}(?:\.\d{1,9})?)s$/.exec(value)?.[1] ?? Number.NaN)
      : isWire(value)
        ? Number(value['seconds'] ?? 0) + Number(value['nanos'] ?? 0) / 1e9
        : Number.NaN;
  return Number.isFinite(seconds) && seconds >= 0 ? Math.ceil(seconds * 1_000) : undefined;
}
