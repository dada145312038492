import { Injectable } from '@nestjs/common';
import { formatUsd } from '../core/pricing/index.js';
import { Database } from '../platform/database/index.js';
import { idAt } from './list-query.js';

export interface TagUsageQuery {
  readonly organizationId?: string;
  readonly projectId?: string;
  readonly keyId?: string;
  readonly model?: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly timezone: string;
  readonly byDay: boolean;
}

interface TagRow extends Record<string, unknown> {
  tag: string;
  day: string | null;
  requests: string;
  prompt_tokens: string;
  completion_tokens: string;
  charged: string;
}

const MAX_ROWS = 10_000;
const STATEMENT_TIMEOUT_MS = 30_000;

/**
 * What was charged under each tag, from the request log: a request counts under every tag that it has, requests without tags under
 * none, and what the log has not (any more) is missing. For shares, not for invoices.
 */
@Injectable()
export class TagUsage {
  constructor(private readonly database: Database) {}

  /** The dearest first, at most 10,000 rows. */
  async list(query: TagUsageQuery): Promise<Record<string, unknown>[]> {
    const { rows } = await this.database.transaction(
      (transaction) => transaction.query<TagRow>(textOf(query), [
        idAt(query.fromMs, 'from'), idAt(query.toMs, 'to'), query.timezone, query.organizationId ?? null, query.projectId ?? null, query.keyId ?? null, query.model ?? null,
      ]),
      { readOnly: true, statementTimeoutMs: STATEMENT_TIMEOUT_MS },
    );
    return rows.map(renderRow);
  }
}

function textOf({ byDay }: TagUsageQuery): string {
  const day = byDay ? "to_char(received_at AT TIME ZONE $3::text, 'YYYY-MM-DD')" : 'left($3::text, 0)';
  return `
    SELECT tag, ${day} AS day, count(*) AS requests, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens, sum(charged_nano_usd) AS charged
    FROM request_logs, LATERAL (SELECT DISTINCT unnest(tags) AS tag) t
    WHERE request_id >= $1 AND request_id < $2 AND ($4::text IS NULL OR organization_id = $4) AND ($5::text IS NULL OR project_id = $5)
      AND ($6::text IS NULL OR key_id = $6) AND ($7::text IS NULL OR served_model = $7)
    GROUP BY 1, 2 ORDER BY day, sum(charged_nano_usd) DESC, tag LIMIT ${MAX_ROWS}`;
}

function renderRow(row: TagRow): Record<string, unknown> {
  return {
    tag: row.tag,
    ...(row.day !== '' && { day: row.day }),
    requests: Number(row.requests),
    prompt_tokens: Number(row.prompt_tokens),
    completion_tokens: Number(row.completion_tokens),
    cost_usd: formatUsd(BigInt(row.charged)),
  };
}
