import { Injectable } from '@nestjs/common';
import { GatewayError } from '../core/errors/gateway-error.js';
import { Database } from '../platform/database/index.js';
import { listStatement, type RequestLogQuery } from './list-query.js';
import { renderDetail, renderSummary, SUMMARY_COLUMNS, type DetailRow, type SummaryRow } from './render-log.js';

export interface RequestLogPage {
  data: Record<string, unknown>[];
  next_cursor: string | null;
}

const FIND = `SELECT l.*, p.request_id IS NOT NULL AS has_payload, p.request_body, p.request_truncated, p.response_body, p.response_truncated
  FROM request_logs l LEFT JOIN request_log_payloads p USING (request_id) WHERE l.request_id = $1`;

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

  /** Throws 404 `not_found`. */
  async get(requestId: string): Promise<Record<string, unknown>> {
    const found = await this.find(requestId);
    if (found === null) throw new GatewayError('not_found', `There is no request ${requestId.slice(0, 64)}.`, { param: 'id' });
    return found;
  }
}
