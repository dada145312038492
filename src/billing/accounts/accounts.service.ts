import { Injectable } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';

/** An organization's account. Nano-USD. */
export interface AccountBalance {
  readonly organizationId: string;
  readonly balanceNanoUsd: bigint;
  /** By unfinished requests. */
  readonly heldNanoUsd: bigint;
  /** Balance less held. */
  readonly availableNanoUsd: bigint;
  /** With engines, not held by a request, spendable. */
  readonly leasedNanoUsd: bigint;
}

/** A budget's present period. Nano-USD; times in milliseconds since 1970, null when it never ends. */
export interface BudgetBalance {
  readonly scope: 'organization' | 'project' | 'key';
  readonly scopeId: string;
  readonly period: 'total' | 'day' | 'week' | 'month';
  readonly amountNanoUsd: bigint;
  readonly spentNanoUsd: bigint;
  readonly heldNanoUsd: bigint;
  readonly startsAtMs: number | null;
  readonly endsAtMs: number | null;
}

/**
 * An exact lease is exactly its holds, so what it has is held from the moment it is committed; of other leases the rows of
 * unfinished requests tell what is held, about a second after its admission.
 */
const BALANCE = {
  name: 'ledger-account-balance',
  text: `
    SELECT c.posted, c.leased,
      coalesce((SELECT sum(l.amount) FROM ledger_leases l WHERE l.ceiling_id = c.id AND l.exact), 0) AS held_exactly,
      coalesce((SELECT sum((p.part ->> 'amountNanoUsd')::bigint) FROM ledger_requests r CROSS JOIN jsonb_array_elements(r.parts) p (part)
        JOIN ledger_leases l ON l.engine_id = r.engine_id AND l.number = (p.part ->> 'leaseNumber')::bigint AND l.ceiling_id = c.id AND NOT l.exact
        WHERE r.state IN ('forwarded', 'streaming') AND r.organization_id = c.organization_id), 0) AS held_otherwise,
      CASE WHEN c.next_expiry <= now() THEN coalesce((SELECT sum(g.remaining) FROM ledger_grants g
        WHERE g.ceiling_id = c.id AND g.remaining > 0 AND g.expires_at <= now()), 0) ELSE 0 END AS expired
    FROM ledger_ceilings c WHERE c.scope = 'account' AND c.scope_id = $1 AND c.period = 'none'`,
};

/** A budget as one ceiling of an organization. */
export interface StrainedBudget extends BudgetBalance {
  readonly ceilingId: number;
  readonly organizationId: string;
}

interface BudgetRow extends Record<string, unknown> {
  id: string;
  organization_id: string;
  scope: BudgetBalance['scope'];
  scope_id: string;
  period: BudgetBalance['period'];
  amount: string;
  posted: string;
  leased: string;
  starts: Date | null;
  ends: Date | null;
}

const STRAINED_COUNT = 5_000;
const BUDGETS = `
  SELECT id, organization_id, scope, scope_id, period, amount, posted, leased,
    CASE WHEN period = 'total' THEN NULL ELSE period_start END AS starts, CASE WHEN period = 'total' THEN NULL ELSE period_end END AS ends
  FROM ledger_ceilings WHERE kind = 'budget' AND period_end > now()`;

function budgetOf(row: BudgetRow): StrainedBudget {
  return {
    ceilingId: Number(row.id),
    organizationId: row.organization_id,
    scope: row.scope,
    scopeId: row.scope_id,
    period: row.period,
    amountNanoUsd: BigInt(row.amount),
    spentNanoUsd: BigInt(row.amount) - BigInt(row.posted),
    heldNanoUsd: BigInt(row.leased),
    startsAtMs: row.starts?.getTime() ?? null,
    endsAtMs: row.ends?.getTime() ?? null,
  };
}

@Injectable()
export class Accounts {
  constructor(private readonly database: Database) {}

  /** Zeros for an organization without an account. */
  async get(organizationId: string): Promise<AccountBalance> {
    const { rows } = await this.database.query<Record<string, string>>(BALANCE, [organizationId]);
    const row = rows[0] ?? {};
    const money = (name: string): bigint => BigInt(row[name] ?? '0');
    const held = money('held_exactly') + money('held_otherwise');
    // What has expired is gone, although the job that posts it comes a little later; what is leased may still be burned.
    const free = money('posted') - money('leased');
    const expired = money('expired') < free ? money('expired') : free > 0n ? free : 0n;
    const balance = money('posted') - expired;
    return {
      organizationId,
      balanceNanoUsd: balance,
      heldNanoUsd: held,
      availableNanoUsd: balance - held,
      leasedNanoUsd: money('leased') - held,
    };
  }

  /** The budgets of one organization, project or key whose period is running. */
  async listBudgets(scope: BudgetBalance['scope'], scopeId: string): Promise<BudgetBalance[]> {
    const { rows } = await this.database.query<BudgetRow>(`${BUDGETS} AND scope = $1 AND scope_id = $2 ORDER BY period_start`, [scope, scopeId]);
    return rows.map(budgetOf);
  }

  /** Budgets whose running period has a tenth spent or more, the fullest first. */
  async listStrainedBudgets(): Promise<StrainedBudget[]> {
    const { rows } = await this.database.query<BudgetRow>(
      `${BUDGETS} AND amount > 0 AND (amount - posted) * 10 >= amount ORDER BY (amount - posted)::float8 / amount DESC LIMIT ${STRAINED_COUNT}`,
    );
    return rows.map(budgetOf);
  }

  /** Of the budgets of an organization, a project and a key the one that has least left: which refuses first. Null when there is none. */
  async findTightestBudget(scopeIds: readonly string[]): Promise<StrainedBudget | null> {
    const { rows } = await this.database.query<BudgetRow>(`${BUDGETS} AND scope_id = ANY ($1::text[]) ORDER BY posted - leased LIMIT 1`, [scopeIds]);
    return rows[0] === undefined ? null : budgetOf(rows[0]);
  }
}
