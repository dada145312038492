import { Injectable } from '@nestjs/common';
import { invalidRequest } from '../../core/errors/gateway-error.js';
import { Database } from '../../platform/database/index.js';
import { SUM_NAMES, SUMS_OF_REQUESTS, sumsOf, type UsageSums } from './usage-columns.js';
import { isDate, type UsageGroup, type UsageQuery } from './usage-query.js';

export interface UsageRow extends UsageSums {
  /** By the words of `groupBy`: `2026-11-29` of a day, an id or a name of the others. */
  readonly group: Readonly<Partial<Record<UsageGroup, string>>>;
}

export interface UsageReport {
  readonly fromMs: number;
  readonly toMs: number;
  readonly rows: readonly UsageRow[];
  readonly total: UsageSums;
}

const MAX_ROWS = 10_000;
const MAX_DAYS = 800;
const STATEMENT_TIMEOUT_MS = 30_000;

/** `at` of a summed hour is its beginning; hours that a day's or the range's edge cuts are read request by request. */
const GROUP_TEXT: Readonly<Record<UsageGroup, (timezone: string) => string>> = {
  hour: () => `to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:00:00"Z"')`,
  day: (timezone) => `to_char(at AT TIME ZONE ${timezone}, 'YYYY-MM-DD')`,
  month: (timezone) => `to_char(at AT TIME ZONE ${timezone}, 'YYYY-MM')`,
  model: () => 'model',
  provider: () => 'provider',
  project: () => 'project_id',
  key: () => 'key_id',
};

const FILTERS: readonly (readonly [field: 'organizationId' | 'projectId' | 'keyId' | 'model', column: string])[] = [
  ['organizationId', 'organization_id'],
  ['projectId', 'project_id'],
  ['keyId', 'key_id'],
  ['model', 'model'],
];

/** What was used and charged, by the time of admission, from the hourly sums and, where those do not reach, from the ledger's rows. Exact. */
@Injectable()
export class UsageReports {
  constructor(private readonly database: Database) {}

  /** Throws 400 for a range that ends before it begins or is longer than 800 days, and for more than 10,000 groups. */
  async report(query: UsageQuery): Promise<UsageReport> {
    const { text, values } = statementOf(query);
    const { rows } = await this.database.transaction((transaction) => transaction.query<Record<string, unknown>>(text, values), {
      isolation: 'repeatable read',
      readOnly: true,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
    const [first] = rows;
    if (first === undefined) throw invalidRequest('to', `to must lie after from, and at most ${MAX_DAYS} days later.`);
    const all = rows.filter((row) => row['is_total'] === false);
    if (all.length > MAX_ROWS) throw invalidRequest('group_by', `That is more than ${MAX_ROWS} rows; ask for a shorter time or fewer groups.`);
    return {
      fromMs: (first['range_from'] as Date).getTime(),
      toMs: (first['range_to'] as Date).getTime(),
      rows: query.groupBy.length === 0 ? [] : all.map((row) => ({ group: groupOf(row, query.groupBy), ...sumsOf(row) })),
      total: sumsOf(rows.find((row) => row['is_total'] === true) ?? {}),
    };
  }
}

function groupOf(row: Readonly<Record<string, unknown>>, groupBy: readonly UsageGroup[]): UsageRow['group'] {
  return Object.fromEntries(groupBy.map((name) => [name, String(row[`group_${name}`])]));
}

function statementOf(query: UsageQuery): { text: string; values: unknown[] } {
  const values: unknown[] = [query.timezone, query.from ?? null, query.to ?? null];
  const conditions = FILTERS.flatMap(([field, column]) => {
    if (query[field] === undefined) return [];
    values.push(query[field]);
    return [`AND ${column} = $${values.length}`];
  }).join(' ');
  const groups = query.groupBy.map((name) => `${GROUP_TEXT[name]('$1::text')} AS group_${name}`);
  const names = query.groupBy.map((name) => `group_${name}`);
  const sums = SUM_NAMES.map((name) => `coalesce(sum(${name}), 0)::text AS ${name}`).join(', ');
  const text = `
    WITH range AS (SELECT *, coalesce((SELECT rolled_until FROM usage_progress), range_from) AS rolled_until FROM (${RANGE(query)}) r
      WHERE range_to > range_from AND range_to - range_from <= interval '${MAX_DAYS} days'),
    ${EDGES},
    pieces AS (
      SELECT hour AS at, organization_id, project_id, key_id, model, provider, ${SUM_NAMES.join(', ')} FROM usage_hours, range
      WHERE hour >= range_from AND hour < least(range_to, rolled_until) AND hour NOT IN (SELECT edge FROM edges) ${conditions}
      UNION ALL
      SELECT at, organization_id, project_id, key_id, model, provider, ${SUMS_OF_REQUESTS} FROM (
        SELECT rows.*, date_trunc('minute', admitted_at) AS at FROM range, LATERAL (${ROWS('greatest(range_from, rolled_until)', 'range_to')}) rows
        UNION ALL
        SELECT rows.*, date_trunc('minute', admitted_at) AS at FROM range, edges, LATERAL (${ROWS('greatest(edge, range_from)', "least(edge + interval '1 hour', range_to)")}) rows
      ) r WHERE true ${conditions} GROUP BY at, organization_id, project_id, key_id, model, provider
    ), named AS (SELECT ${[...groups, ...SUM_NAMES].join(', ')} FROM pieces),
    summed AS (
      SELECT ${names.map((name) => `${name}, `).join('')}${names.length === 0 ? 'true' : `grouping(${names.join(', ')}) > 0`} AS is_total, ${sums}
      FROM named ${names.length === 0 ? '' : `GROUP BY GROUPING SETS ((${names.join(', ')}), ())`}
    )
    SELECT range_from, range_to, summed.* FROM range CROSS JOIN summed ORDER BY ${['is_total', ...names].join(', ')} LIMIT ${MAX_ROWS + 2}`;
  return { text, values };
}

const RANGE = ({ from, to }: UsageQuery): string => {
  const at = (text: string | undefined, parameter: string): string | null =>
    text === undefined ? null : isDate(text) ? `(${parameter}::timestamp AT TIME ZONE $1::text)` : `${parameter}::timestamptz`;
  const end = at(to, '$3::text') ?? 'coalesce($3::timestamptz, now())';
  const begin = at(from, '$2::text') ?? `coalesce($2::timestamptz, date_trunc('day', ${end} - interval '30 days', $1::text))`;
  return `SELECT ${begin} AS range_from, ${end} AS range_to`;
};

/** Summed hours that the range or a local midnight cuts in two (timezones of half and quarter hours). */
const EDGES = `
  edges AS (
    SELECT edge FROM range, generate_series(date_trunc('hour', range_from, 'UTC'), range_to, '1 hour') edge
    WHERE edge < rolled_until AND edge < range_to AND (edge < range_from OR edge + interval '1 hour' > range_to
      OR date_trunc('day', edge, $1::text) <> date_trunc('day', edge + interval '59 minutes 59.999999 seconds', $1::text))
  )`;

const ROWS = (from: string, to: string): string => `
  SELECT admitted_at, organization_id, project_id, key_id, coalesce(served_model, l.model) AS model, coalesce(l.provider, '_none') AS provider,
    state, estimated, usage, captured, overage, refunded, loss, provider_cost, suspense
  FROM ledger_requests l WHERE l.admitted_at >= ${from} AND l.admitted_at < ${to} AND l.ended_at IS NOT NULL`;
