import { Injectable } from '@nestjs/common';
import { formatUsd } from '../core/pricing/index.js';
import { Database } from '../platform/database/index.js';
import { ratio, type ResultRange } from './route-results.js';

export interface CacheUsageQuery extends ResultRange {
  organizationId?: string;
  keyId?: string;
  model?: string;
  groupBy: 'model' | 'key';
}

interface CacheRow {
  name: string;
  requests: string;
  prompt_tokens: string;
  cached_tokens: string;
  saved: string;
}

const MAX_ROWS = 500;
const COLUMNS = { model: 'model', key: 'key_id' } as const;

/** What prompt caches did, from the hourly sums: up to ten minutes behind, whole hours. Most prompt tokens first. */
@Injectable()
export class CacheUsage {
  constructor(private readonly database: Database) {}

  async list({ groupBy, ...query }: CacheUsageQuery): Promise<Record<string, unknown>[]> {
    const { rows } = await this.database.query<CacheRow>(
      `SELECT ${COLUMNS[groupBy]} AS name, sum(requests) AS requests, sum(prompt_tokens) AS prompt_tokens, sum(cached_tokens) AS cached_tokens,
         trunc(sum(cache_saved_nano_usd)) AS saved
       FROM request_log_hours
       WHERE hour >= $1 AND hour < $2 AND ($3::text IS NULL OR organization_id = $3) AND ($4::text IS NULL OR key_id = $4) AND ($5::text IS NULL OR model = $5)
       GROUP BY 1 HAVING sum(prompt_tokens) > 0 ORDER BY 3 DESC, 1 LIMIT ${MAX_ROWS}`,
      [new Date(query.fromMs), new Date(query.toMs), query.organizationId ?? null, query.keyId ?? null, query.model ?? null],
    );
    return rows.map((row) => ({
      [groupBy === 'key' ? 'key_id' : 'model']: row.name,
      requests: Number(row.requests),
      prompt_tokens: Number(row.prompt_tokens),
      cached_tokens: Number(row.cached_tokens),
      cached_token_rate: ratio(Number(row.cached_tokens), Number(row.prompt_tokens)),
      cache_saved_usd: formatUsd(BigInt(row.saved)),
    }));
  }
}
