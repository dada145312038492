import { completionTokens, NO_USAGE, promptTokens } from '../core/chat/usage.js';
import type { RequestLog } from '../core/request-log/request-log.js';
import { encodeValues, RepeatedTexts, type CopyTarget, type CopyWriter, type RowValues } from '../platform/database/index.js';
import { storedText, type Redaction, type StoredText } from './redact.js';
import { cut, NAME_LIMIT_CHARS, TAG_LIMIT, writeDetail } from './write-detail.js';

const REDACTION: Redaction = { emails: false };

/** A record as it will stand in the database. */
export interface EncodedLog {
  readonly requestId: string;
  readonly values: RowValues;
  /** Undefined when the key's policy or the client kept it out. */
  readonly payload: RowValues | undefined;
}

/** Everything a client or provider may have written is bounded and redacted here. Throws RangeError for a figure that no column holds. */
export function encodeLog(log: RequestLog): EncodedLog {
  const hasPayload = log.requestBody !== undefined || log.responseBody !== undefined;
  return { requestId: log.requestId, values: encodeValues(writeLog, log), payload: hasPayload ? encodeValues(writePayload, log) : undefined };
}

export const LOG_ROWS: CopyTarget<EncodedLog> = {
  table: 'request_logs',
  columns: [
    'request_id', 'received_at', 'ended_at', 'key_id', 'organization_id', 'project_id', 'requested_model', 'served_model', 'provider', 'zone', 'endpoint',
    'protocol', 'stream', 'state', 'status', 'error_code', 'fallback', 'route', 'arm', 'session_id', 'tags', 'attempt_count', 'total_ms', 'ttft_ms',
    'prompt_tokens', 'completion_tokens', 'cached_tokens', 'hold_nano_usd', 'charged_nano_usd', 'provider_cost_nano_usd', 'cache_saved_nano_usd', 'detail',
  ],
  write: (writer, { values }) => writer.encoded(values.bytes),
};

const OWNERS = new RepeatedTexts();
const MODELS = new RepeatedTexts(storedName);

function writeLog(writer: CopyWriter, log: RequestLog): void {
  writer.text(log.requestId);
  writer.timestamptz(log.receivedAtMs);
  writer.timestamptz(log.endedAtMs);
  writer.repeated(OWNERS, [log.keyId, log.organizationId, log.projectId]);
  writer.repeated(MODELS, [log.requestedModel, log.servedModel, log.provider, log.zone, log.endpoint, log.protocol]);
  writer.boolean(log.stream);
  writer.text(log.state);
  writer.smallint(log.status);
  writer.text(log.errorCode);
  writer.text(log.fallback);
  writer.text(log.route);
  writer.text(log.arm);
  writer.text(stored(log.sessionId));
  writer.texts(log.tags.length === 0 ? log.tags : log.tags.slice(0, TAG_LIMIT).map(storedName));
  writer.smallint(log.attempts.length);
  writeFigures(writer, log);
  writeDetail(writer.beginJson(), log, REDACTION);
  writer.endJson();
}

function writeFigures(writer: CopyWriter, log: RequestLog): void {
  const usage = log.usage ?? NO_USAGE;
  const { savedNanoUsd, surchargeNanoUsd } = log.cacheEffect;
  writer.real(roundMs(log.timings.totalMs));
  writer.real(log.timings.ttftMs === undefined ? undefined : roundMs(log.timings.ttftMs));
  writer.bigint(promptTokens(usage));
  writer.bigint(completionTokens(usage));
  writer.bigint(usage.cacheRead);
  writer.bigint(log.holdNanoUsd);
  writer.bigint(log.chargedNanoUsd);
  writer.bigint(log.costNanoUsd);
  writer.bigint(savedNanoUsd - surchargeNanoUsd);
}

/** What `store` let in. */
export const PAYLOAD_ROWS: CopyTarget<EncodedLog> = {
  table: 'request_log_payloads',
  columns: ['request_id', 'request_body', 'request_truncated', 'response_body', 'response_truncated'],
  write: (writer, { payload }) => writer.encoded((payload as RowValues).bytes),
};

function writePayload(writer: CopyWriter, log: RequestLog): void {
  const request = payloadOf(log.requestBody);
  const response = payloadOf(log.responseBody);
  writer.text(log.requestId);
  writer.text(request.text);
  writer.boolean(request.truncated);
  writer.text(response.text);
  writer.boolean(response.truncated);
}

const NO_PAYLOAD = { text: null, truncated: false };

function payloadOf(body: string | undefined): StoredText | typeof NO_PAYLOAD {
  if (body === undefined) return NO_PAYLOAD;
  const { text, truncated } = storedText(body, REDACTION);
  return { text: storable(text), truncated };
}

function stored(name: string | undefined): string | undefined {
  return name === undefined ? undefined : storedName(name);
}

function storedName(name: string): string {
  return storable(cut(name, NAME_LIMIT_CHARS));
}

/** PostgreSQL refuses U+0000 in text, and one such character would fail a whole batch. */
function storable(text: string): string {
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text;
}

/** To hundredths of a millisecond. */
function roundMs(ms: number): number {
  return Math.round(ms * 100) / 100;
}
