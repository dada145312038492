import { completionTokens, NO_USAGE, promptTokens } from '../core/chat/usage.js';
import type { RequestLog } from '../core/request-log/request-log.js';
import { copyArray, copyLine, type CopyTarget, type CopyValue } from '../platform/database/index.js';
import { encodeDetail, NAME_LIMIT_CHARS, roundMs, short, TAG_LIMIT } from './log-detail.js';
import { storedText, type Redaction } from './redact.js';

type Column = readonly [name: string, value: (log: RequestLog, redaction: Redaction) => CopyValue];

/** The columns of `request_logs`, each with what a record has for it. */
const COLUMNS: readonly Column[] = [
  ['request_id', (log) => log.requestId],
  ['received_at', (log) => new Date(log.receivedAtMs).toISOString()],
  ['ended_at', (log) => new Date(log.endedAtMs).toISOString()],
  ['organization_id', (log) => log.organizationId],
  ['project_id', (log) => log.projectId],
  ['key_id', (log) => log.keyId],
  ['zone', (log) => log.zone],
  ['endpoint', (log) => log.endpoint],
  ['protocol', (log) => log.protocol],
  ['requested_model', (log) => short(log.requestedModel)],
  ['served_model', (log) => log.servedModel],
  ['provider', (log) => log.provider],
  ['stream', (log) => log.stream],
  ['state', (log) => log.state],
  ['status', (log) => log.status],
  ['error_code', (log) => log.errorCode],
  ['fallback', (log) => log.fallback],
  ['route', (log) => log.route],
  ['arm', (log) => log.arm],
  ['session_id', (log) => short(log.sessionId)],
  ['tags', (log) => copyArray(log.tags.slice(0, TAG_LIMIT).map((tag) => tag.slice(0, NAME_LIMIT_CHARS)))],
  ['attempt_count', (log) => log.attempts.length],
  ['total_ms', (log) => roundMs(log.timings.totalMs)],
  ['ttft_ms', (log) => roundMs(log.timings.ttftMs)],
  ['prompt_tokens', (log) => promptTokens(log.usage ?? NO_USAGE)],
  ['completion_tokens', (log) => completionTokens(log.usage ?? NO_USAGE)],
  ['cached_tokens', (log) => (log.usage ?? NO_USAGE).cacheRead],
  ['hold_nano_usd', (log) => log.holdNanoUsd],
  ['charged_nano_usd', (log) => log.chargedNanoUsd],
  ['provider_cost_nano_usd', (log) => log.costNanoUsd],
  ['cache_saved_nano_usd', (log) => log.cacheEffect.savedNanoUsd - log.cacheEffect.surchargeNanoUsd],
  ['detail', encodeDetail],
];

export const LOG_ROWS: CopyTarget = { table: 'request_logs', columns: COLUMNS.map(([name]) => name) };
export const PAYLOAD_ROWS: CopyTarget = {
  table: 'request_log_payloads',
  columns: ['request_id', 'request_body', 'request_truncated', 'response_body', 'response_truncated'],
};

/** Record → row of `LOG_ROWS`. Everything a client or provider may have written is bounded and redacted here. */
export function encodeLog(log: RequestLog, redaction: Redaction): string {
  return copyLine(COLUMNS.map(([, value]) => value(log, redaction)));
}

/** Record → row of `PAYLOAD_ROWS`; empty when the key's policy or the client kept the payload out. */
export function encodePayload(log: RequestLog, redaction: Redaction): string {
  if (log.requestBody === undefined && log.responseBody === undefined) return '';
  const stored = (text: string | undefined) => (text === undefined ? { text: null, truncated: false } : storedText(text, redaction));
  const request = stored(log.requestBody);
  const response = stored(log.responseBody);
  return copyLine([log.requestId, request.text, request.truncated, response.text, response.truncated]);
}
