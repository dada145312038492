import type { HoldRequest, Need } from '../../core/ledger/index.js';
import type { Clock } from '../../platform/clock/index.js';
import type { Database } from '../../platform/database/index.js';

/** Ceilings in memory; beyond it the oldest are looked up again. */
const CACHE_COUNT = 50_000;
const ACCOUNT = { name: 'ledger-account', text: 'SELECT ledger_account($1) AS id' };
const BUDGET = { name: 'ledger-budget', text: 'SELECT id, left_ms FROM ledger_budget($1, $2, $3, $4, $5, $6)' };

interface Known {
  id: number;
  /** Monotonic; Infinity for an account. */
  untilMs: number;
}

/** Which rows bound a request: its organization's account, and the budgets of its layers in their present periods. */
export class Ceilings {
  readonly #known = new Map<string, Known>();
  readonly #asked = new Map<string, Promise<number>>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** All from memory, or null. */
  find(request: HoldRequest): Need[] | null {
    const account = this.#known.get(request.organizationId);
    if (account === undefined) return null;
    const needs: Need[] = [{ ceilingId: account.id, kind: 'account' }];
    if (request.budgets.length === 0) return needs;
    const nowMs = this.clock.monotonicMs();
    for (const budget of request.budgets) {
      const known = this.#known.get(budgetKey(budget, request.timezone));
      if (known === undefined || known.untilMs <= nowMs) return null;
      needs.push({ ceilingId: known.id, kind: 'budget' });
    }
    return needs;
  }

  async resolve(request: HoldRequest): Promise<Need[]> {
    const known = this.find(request);
    if (known !== null) return known;
    const needs: Need[] = [{ ceilingId: await this.#account(request.organizationId), kind: 'account' }];
    for (const budget of request.budgets) needs.push({ ceilingId: await this.#budget(request, budget), kind: 'budget' });
    return needs;
  }

  /** The database says that a period is over: its clock decides. */
  forgetBudgets(request: HoldRequest): void {
    for (const budget of request.budgets) this.#known.delete(budgetKey(budget, request.timezone));
  }

  async #account(organizationId: string): Promise<number> {
    const known = this.#known.get(organizationId);
    if (known !== undefined) return known.id;
    const asked = this.#asked.get(organizationId) ?? this.#lookUp(organizationId);
    this.#asked.set(organizationId, asked);
    return asked;
  }

  /** One question for all who ask at the same time, so that they are admitted in the order they came. */
  async #lookUp(organizationId: string): Promise<number> {
    try {
      const { rows } = await this.database.query<{ id: string }>(ACCOUNT, [organizationId]);
      return this.#remember(organizationId, Number(rows[0]?.id), Infinity);
    } finally {
      this.#asked.delete(organizationId);
    }
  }

  async #budget(request: HoldRequest, budget: HoldRequest['budgets'][number]): Promise<number> {
    const sentMs = this.clock.monotonicMs();
    const { rows } = await this.database.query<{ id: string; left_ms: number }>(BUDGET, [
      request.organizationId, budget.scope, budget.id, budget.period, request.timezone, budget.amountNanoUsd,
    ]);
    const row = rows[0];
    // Counted from when the question was sent: at worst the period ends a round trip early for us.
    return this.#remember(budgetKey(budget, request.timezone), Number(row?.id), sentMs + Number(row?.left_ms ?? 0));
  }

  #remember(key: string, id: number, untilMs: number): number {
    if (this.#known.size >= CACHE_COUNT) {
      const oldest = this.#known.keys().next().value;
      if (oldest !== undefined) this.#known.delete(oldest);
    }
    this.#known.set(key, { id, untilMs });
    return id;
  }
}

/** The amount is part of the key: a changed budget is told to the database once. */
function budgetKey(budget: HoldRequest['budgets'][number], timezone: string): string {
  return `${budget.scope}\n${budget.id}\n${budget.period}\n${timezone}\n${budget.amountNanoUsd}`;
}
