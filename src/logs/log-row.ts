import { completionTokens, NO_USAGE, promptTokens } from '../core/chat/usage.js';
import type { RequestLog } from '../core/request-log/request-log.js';
import type { CopyRow, CopyTarget, CopyType, CopyValue } from '../platform/database/index.js';
import { encodeDetail, NAME_LIMIT_CHARS, roundMs, short, TAG_LIMIT } from './log-detail.js';
import { storedText, type Redaction } from './redact.js';

type Column = readonly [name: string, type: CopyType, value: (log: RequestLog, redaction: Redaction) => CopyValue];

/** The columns of `request_logs`, each with what a record has for it. */
const COLUMNS: readonly Column[] = [
  ['request_id', 'text', (log) => log.requestId],
  ['received_at', 'timestamptz', (log) => log.receivedAtMs],
  ['ended_at', 'timestamptz', (log) => log.endedAtMs],
  ['organization_id', 'text', (log) => log.organizationId],
  ['project_id', 'text', (log) => log.projectId],
  ['key_id', 'text', (log) => log.keyId],
  ['zone', 'text', (log) => log.zone],
  ['endpoint', 'text', (log) => log.endpoint],
  ['protocol', 'text', (log) => log.protocol],
  ['requested_model', 'text', (log) => short(log.requestedModel)],
  ['served_model', 'text', (log) => log.servedModel],
  ['provider', 'text', (log) => log.provider],
  ['stream', 'boolean', (log) => log.stream],
  ['state', 'text', (log) => log.state],
  ['status', 'smallint', (log) => log.status],
  ['error_code', 'text', (log) => log.errorCode],
  ['fallback', 'text', (log) => log.fallback],
  ['route', 'text', (log) => log.route],
  ['arm', 'text', (log) => log.arm],
  ['session_id', 'text', (log) => short(log.sessionId)],
  ['tags', 'text[]', (log) => log.tags.slice(0, TAG_LIMIT).map((tag) => tag.slice(0, NAME_LIMIT_CHARS).replaceAll('\0', '\ufffd'))],
  ['attempt_count', 'smallint', (log) => log.attempts.length],
  ['total_ms', 'real', (log) => roundMs(log.timings.totalMs)],
  ['ttft_ms', 'real', (log) => roundMs(log.timings.ttftMs)],
  ['prompt_tokens', 'bigint', (log) => promptTokens(log.usage ?? NO_USAGE)],
  ['completion_tokens', 'bigint', (log) => completionTokens(log.usage ?? NO_USAGE)],
  ['cached_tokens', 'bigint', (log) => (log.usage ?? NO_USAGE).cacheRead],
  ['hold_nano_usd', 'bigint', (log) => log.holdNanoUsd],
  ['charged_nano_usd', 'bigint', (log) => log.chargedNanoUsd],
  ['provider_cost_nano_usd', 'bigint', (log) => log.costNanoUsd],
  ['cache_saved_nano_usd', 'bigint', (log) => log.cacheEffect.savedNanoUsd - log.cacheEffect.surchargeNanoUsd],
  ['detail', 'text', encodeDetail],
];

export const LOG_ROWS: CopyTarget = { table: 'request_logs', columns: COLUMNS.map(([name, type]) => [name, type]) };
export const PAYLOAD_ROWS: CopyTarget = {
  table: 'request_log_payloads',
  columns: [['request_id', 'text'], ['request_body', 'text'], ['request_truncated', 'boolean'], ['response_body', 'text'], ['response_truncated', 'boolean']],
};

/** Record → row of `LOG_ROWS`. Everything a client or provider may have written is bounded and redacted here. */
export function logRowOf(log: RequestLog, redaction: Redaction): CopyRow {
  return COLUMNS.map(([, , value]) => storable(value(log, redaction)));
}

/** Record → row of `PAYLOAD_ROWS`; null when the key's policy or the client kept the payload out. */
export function payloadRowOf(log: RequestLog, redaction: Redaction): CopyRow | null {
  if (log.requestBody === undefined && log.responseBody === undefined) return null;
  const stored = (text: string | undefined) => (text === undefined ? { text: null, truncated: false } : storedText(text, redaction));
  const request = stored(log.requestBody);
  const response = stored(log.responseBody);
  return [log.requestId, storable(request.text), request.truncated, storable(response.text), response.truncated];
}

/** PostgreSQL refuses U+0000 in text, and one such character would fail a whole batch. */
function storable(value: CopyValue): CopyValue {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\ufffd') : value;
}
