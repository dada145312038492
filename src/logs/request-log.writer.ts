import { Injectable } from '@nestjs/common';
import type { RequestLog } from '../core/request-log/request-log.js';
import { Database } from '../platform/database/index.js';
import { logRowOf, payloadRowOf } from './log-row.js';
import type { Redaction } from './redact.js';
import { storableJson } from './storable-json.js';

const REDACTION: Redaction = { emails: false };

const COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ['request_id', 'text'],
  ['received_at', 'timestamptz'],
  ['ended_at', 'timestamptz'],
  ['organization_id', 'text'],
  ['project_id', 'text'],
  ['key_id', 'text'],
  ['zone', 'text'],
  ['endpoint', 'text'],
  ['protocol', 'text'],
  ['requested_model', 'text'],
  ['served_model', 'text'],
  ['provider', 'text'],
  ['stream', 'boolean'],
  ['state', 'text'],
  ['status', 'smallint'],
  ['error_code', 'text'],
  ['fallback', 'text'],
  ['route', 'text'],
  ['arm', 'text'],
  ['session_id', 'text'],
  ['tags', 'text[]'],
  ['attempt_count', 'smallint'],
  ['total_ms', 'real'],
  ['ttft_ms', 'real'],
  ['prompt_tokens', 'bigint'],
  ['completion_tokens', 'bigint'],
  ['cached_tokens', 'bigint'],
  ['hold_nano_usd', 'bigint'],
  ['charged_nano_usd', 'bigint'],
  ['provider_cost_nano_usd', 'bigint'],
  ['cache_saved_nano_usd', 'bigint'],
  ['detail', 'json'],
];
const PAYLOAD_COLUMNS: readonly (readonly [name: string, type: string])[] = [
  ['request_id', 'text'],
  ['request_body', 'text'],
  ['request_truncated', 'boolean'],
  ['response_body', 'text'],
  ['response_truncated', 'boolean'],
];

/** One parameter for a whole batch, unpacked by the server. A record that is already there stays: a retried batch changes nothing. */
function insertion(table: string, columns: readonly (readonly [string, string])[], parameter: number): string {
  const names = columns.map(([name]) => name).join(', ');
  const typed = columns.map(([name, type]) => `${name} ${type}`).join(', ');
  return `INSERT INTO ${table} (${names}) SELECT ${names} FROM json_to_recordset($${parameter}::json) AS row(${typed}) ON CONFLICT (request_id) DO NOTHING`;
}

const INSERT_LOGS = insertion('request_logs', COLUMNS, 1);
const INSERT_BOTH = `WITH payloads AS (${insertion('request_log_payloads', PAYLOAD_COLUMNS, 2)}) ${INSERT_LOGS}`;

/** Writes batches of records: one statement, one round trip, all or nothing. */
@Injectable()
export class RequestLogWriter {
  constructor(private readonly database: Database) {}

  async write(logs: readonly RequestLog[]): Promise<void> {
    const rows = storableJson(logs.map((log) => logRowOf(log, REDACTION)));
    const payloads = logs.map((log) => payloadRowOf(log, REDACTION)).filter((row) => row !== null);
    if (payloads.length === 0) await this.database.query({ name: 'log_insert', text: INSERT_LOGS, values: [rows] });
    else await this.database.query({ name: 'log_insert_payloads', text: INSERT_BOTH, values: [rows, storableJson(payloads)] });
  }
}
