import { Injectable } from '@nestjs/common';
import { GatewayError, invalidRequest } from '../../core/errors/gateway-error.js';
import { isTimezone } from '../../core/policy/index.js';
import { Database, type Queryable } from '../../platform/database/index.js';

/** What one model cost one project in the period, by the time of posting. */
export interface StatementUsageLine {
  readonly projectId: string;
  readonly model: string;
  readonly requestCount: number;
  readonly promptTokenCount: number;
  readonly completionTokenCount: number;
  readonly amountNanoUsd: bigint;
}

/** Credit that came or went otherwise: a grant, a refund, an expiry. Positive: in the customer's favour. */
export interface StatementMovement {
  readonly kind: 'grant' | 'refund' | 'expiry';
  readonly atMs: number;
  readonly transactionId: number;
  readonly requestId: string | null;
  readonly reason: string | null;
  readonly amountNanoUsd: bigint;
}

/**
 * An organization's credit account over a month: opening balance + movements − usage = closing balance, to the nano-USD. By the time
 * of posting, so that a month that is over never changes: a refund stands in the month that it was given.
 */
export interface Statement {
  readonly organizationId: string;
  readonly month: string;
  readonly timezone: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** False while the month is running. */
  readonly final: boolean;
  readonly openingNanoUsd: bigint;
  readonly grantedNanoUsd: bigint;
  readonly refundedNanoUsd: bigint;
  readonly expiredNanoUsd: bigint;
  readonly usageNanoUsd: bigint;
  readonly closingNanoUsd: bigint;
  readonly usage: readonly StatementUsageLine[];
  readonly movements: readonly StatementMovement[];
  /** More movements than a statement lists; the sums have them all. */
  readonly movementsLeftOutCount: number;
}

const MONTH = /^\d{4}-(0[1-9]|1[0-2])$/;
const MAX_MOVEMENTS = 1_000;
const STATEMENT_TIMEOUT_MS = 120_000;
const USAGE_KINDS = "('capture', 'overage', 'late')";

const PERIOD = `
  SELECT period_from, period_to, period_to <= now() AS final, period_from < now() AS begun FROM (
    SELECT ($1 || '-01')::timestamp AT TIME ZONE $2::text AS period_from, (($1 || '-01')::timestamp + interval '1 month') AT TIME ZONE $2::text AS period_to) p`;

/** The balance at the end of the period: today's, less what was posted since. Reads no entry older than the period. */
const BALANCES = `
  WITH posted AS (
    SELECT kind, created_at, credit AS amount FROM ledger_transactions WHERE created_at >= $2 AND organization_id = $1 AND credit IS NOT NULL)
  SELECT (coalesce((SELECT c.posted FROM ledger_ceilings c WHERE c.scope = 'account' AND c.scope_id = $1 AND c.period = 'none'), 0) - coalesce(sum(amount), 0))::text AS opening,
    coalesce(sum(amount) FILTER (WHERE kind = 'grant' AND created_at < $3), 0)::text AS granted,
    coalesce(sum(amount) FILTER (WHERE kind = 'refund' AND created_at < $3), 0)::text AS refunded,
    coalesce(-sum(amount) FILTER (WHERE kind = 'expiry' AND created_at < $3), 0)::text AS expired,
    coalesce(-sum(amount) FILTER (WHERE kind IN ${USAGE_KINDS} AND created_at < $3), 0)::text AS usage
  FROM posted`;

const tokens = (...names: string[]): string => names.map((name) => `coalesce((r.usage->>'${name}')::numeric, 0)`).join(' + ');

/** A request whose late posting fell into the next month is counted in both, with the money of each. */
const USAGE = `
  WITH posted AS (
    SELECT request_id, sum(-credit) AS amount FROM ledger_transactions
    WHERE created_at >= $2 AND created_at < $3 AND organization_id = $1 AND kind IN ${USAGE_KINDS} AND credit IS NOT NULL GROUP BY request_id)
  SELECT r.project_id, coalesce(r.served_model, r.model) AS model, count(*)::text AS requests, sum(p.amount)::text AS amount,
    sum(${tokens('input', 'cache_read', 'cache_write', 'cache_write_1h', 'audio_in')})::text AS prompt_tokens,
    sum(${tokens('output', 'reasoning', 'audio_out', 'image')})::text AS completion_tokens
  FROM posted p JOIN ledger_requests r USING (request_id) GROUP BY 1, 2 ORDER BY 1, sum(p.amount) DESC, 2`;

const MOVEMENTS = `
  SELECT e.transaction_id AS id, e.kind, e.created_at, e.request_id, coalesce(e.reason, g.reason) AS reason, sum(e.amount)::text AS amount, count(*) OVER ()::text AS all_count
  FROM ledger_entries e LEFT JOIN ledger_grants g ON g.id = e.grant_id
  WHERE e.created_at >= $2 AND e.created_at < $3 AND e.organization_id = $1 AND e.kind IN ('grant', 'refund', 'expiry') AND e.account = 'credit'
  GROUP BY 1, 2, 3, 4, 5 ORDER BY 1 LIMIT ${MAX_MOVEMENTS}`;

type Row = Record<string, string | null> & { created_at: Date };
type Money = 'opening' | 'granted' | 'refunded' | 'expired' | 'usage';

@Injectable()
export class Statements {
  constructor(private readonly database: Database) {}

  /** Throws 400 for what is no month or timezone, and for a month that has not begun. */
  async get(organizationId: string, month: string, timezone: string): Promise<Statement> {
    if (!MONTH.test(month)) throw invalidRequest('month', `month must be like 2026-11, not ${JSON.stringify(month.slice(0, 16))}.`);
    if (!isTimezone(timezone)) throw invalidRequest('timezone', `timezone must be an IANA timezone like Asia/Seoul, not ${JSON.stringify(timezone.slice(0, 64))}.`);
    return this.database.transaction((snapshot) => read(snapshot, { organizationId, month, timezone }), {
      isolation: 'repeatable read',
      readOnly: true,
      statementTimeoutMs: STATEMENT_TIMEOUT_MS,
    });
  }
}

async function read(snapshot: Queryable, asked: Pick<Statement, 'organizationId' | 'month' | 'timezone'>): Promise<Statement> {
  const period = (await snapshot.query<{ period_from: Date; period_to: Date; final: boolean; begun: boolean }>(PERIOD, [asked.month, asked.timezone])).rows[0];
  if (period === undefined || !period.begun) throw new GatewayError('invalid_request', `${asked.month} has not begun yet.`, { param: 'month' });
  const values = [asked.organizationId, period.period_from, period.period_to];
  const sums = (await snapshot.query<Record<Money, string>>(BALANCES, values)).rows[0];
  const usage = (await snapshot.query<Row>(USAGE, values)).rows;
  const movements = (await snapshot.query<Row>(MOVEMENTS, values)).rows;
  const money = (name: Money): bigint => BigInt(sums?.[name] ?? '0');
  return {
    ...asked,
    fromMs: period.period_from.getTime(),
    toMs: period.period_to.getTime(),
    final: period.final,
    openingNanoUsd: money('opening'),
    grantedNanoUsd: money('granted'),
    refundedNanoUsd: money('refunded'),
    expiredNanoUsd: money('expired'),
    usageNanoUsd: money('usage'),
    closingNanoUsd: money('opening') + money('granted') + money('refunded') - money('expired') - money('usage'),
    usage: usage.map(usageLine),
    movements: movements.map(movementOf),
    movementsLeftOutCount: Number(movements[0]?.['all_count'] ?? 0) - movements.length,
  };
}

function usageLine(row: Row): StatementUsageLine {
  return {
    projectId: row['project_id'] ?? '',
    model: row['model'] ?? '',
    requestCount: Number(row['requests']),
    promptTokenCount: Number(row['prompt_tokens']),
    completionTokenCount: Number(row['completion_tokens']),
    amountNanoUsd: BigInt(row['amount'] ?? '0'),
  };
}

function movementOf(row: Row): StatementMovement {
  return {
    kind: row['kind'] as StatementMovement['kind'],
    atMs: row.created_at.getTime(),
    transactionId: Number(row['id']),
    requestId: row['request_id'] ?? null,
    reason: row['reason'] ?? null,
    amountNanoUsd: BigInt(row['amount'] ?? '0'),
  };
}
