import { Injectable } from '@nestjs/common';
import { GatewayError } from '../core/errors/gateway-error.js';
import { Database } from '../platform/database/index.js';
import { idAt, listStatement, type RequestLogQuery } from './list-query.js';
import { renderDetail, renderSummary, SUMMARY_COLUMNS, type DetailRow, type SummaryRow } from './render-log.js';

export interface RefusedCaller {
  readonly organizationId: string;
  readonly projectId: string;
  readonly keyId: string;
}

export interface RequestLogPage {
  data: Record<string, unknown>[];
  next_cursor: string | null;
}

const FIND = `SELECT l.*, p.request_id IS NOT NULL AS has_payload, p.request_body, p.request_truncated, p.response_body, p.response_truncated
  FROM request_logs l LEFT JOIN request_log_payloads p USING (request_id) WHERE l.request_id = $1`;

/** A scan over the log of the time: an index would be paid by every request, for a question that is asked once a month. */
const BY_UPSTREAM_ID = `SELECT u.id AS upstream_id, l.request_id FROM request_logs l JOIN unnest($3::text[]) u (id) ON l.detail::json->>'upstream_id' = u.id
  WHERE l.request_id >= $1 AND l.request_id < $2`;
const DAY_MS = 86_400_000;
const SCAN_TIMEOUT_MS = 60_000;

/** The request log for the admin API, the console and the key's own `/v1/generation`: records in the API's words. */
@Injectable()
export class RequestLogReader {
  constructor(private readonly database: Database) {}

  /** Newest first. */
  async list(query: RequestLogQuery = {}): Promise<RequestLogPage> {
    const { text, values, limit } = listStatement(query, SUMMARY_COLUMNS);
    const { rows } = await this.database.query<SummaryRow>(text, values);
    const page = rows.slice(0, limit);
    return { data: page.map(renderSummary), next_cursor: rows.length > limit ? (page.at(-1)?.request_id ?? null) : null };
  }

  /** Everything recorded about one request; null when there is no such record (yet: it is there 2 s after the end). */
  async find(requestId: string): Promise<Record<string, unknown> | null> {
    const { rows } = await this.database.query<DetailRow>({ name: 'log_find', text: FIND, values: [requestId.slice(0, 64)] });
    const [row] = rows;
    return row === undefined ? null : renderDetail(row);
  }

  /** The provider's ids of answers → our request ids, of requests received in a time and a day around it. */
  async findByUpstreamIds(upstreamIds: readonly string[], fromMs: number, toMs: number): Promise<ReadonlyMap<string, string>> {
    const bounds = [idAt(fromMs - DAY_MS, 'from'), idAt(toMs + DAY_MS, 'to')];
    const { rows } = await this.database.transaction(
      (transaction) => transaction.query<{ upstream_id: string; request_id: string }>(BY_UPSTREAM_ID, [...bounds, upstreamIds]),
      { readOnly: true, statementTimeoutMs: SCAN_TIMEOUT_MS },
    );
    return new Map(rows.map((row) => [row.upstream_id, row.request_id]));
  }

  /** Who was refused with a code since a time, each once, at most 1,000. */
  async listRefused(errorCode: string, sinceMs: number): Promise<RefusedCaller[]> {
    const { rows } = await this.database.query<{ organization_id: string; project_id: string; key_id: string }>(
      'SELECT DISTINCT organization_id, project_id, key_id FROM request_logs WHERE request_id >= $1 AND status >= 400 AND error_code = $2 LIMIT 1000',
      [idAt(sinceMs, 'since'), errorCode],
    );
    return rows.map((row) => ({ organizationId: row.organization_id, projectId: row.project_id, keyId: row.key_id }));
  }

  /** Throws 404 `not_found`. */
  async get(requestId: string): Promise<Record<string, unknown>> {
    const found = await this.find(requestId);
    if (found === null) throw new GatewayError('not_found', `There is no request ${requestId.slice(0, 64)}.`, { param: 'id' });
    return found;
  }
}
