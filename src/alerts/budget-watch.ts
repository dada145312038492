import { Injectable } from '@nestjs/common';
import { BudgetThresholds } from '../auth/index.js';
import { Accounts, type StrainedBudget } from '../billing/index.js';
import { formatUsd } from '../core/pricing/index.js';
import { RequestLogReader, type RefusedCaller } from '../logs/index.js';
import { Clock } from '../platform/clock/index.js';
import type { NewAlert } from './alert-event.js';
import { Outbox } from './outbox.js';

/** Looked at again and again: a log line may be written some seconds after its request. */
const REFUSALS_SINCE_MS = 120_000;
const LAYERS = ['organization', 'project', 'key'] as const;

/**
 * Tells when a budget reaches a soft threshold, and when it is used up: its last cent is spent, or it has refused a request, which
 * happens earlier, because what is left rarely fits. Runs beside the traffic and reads what is posted: no request waits for it.
 */
@Injectable()
export class BudgetWatch {
  constructor(
    private readonly accounts: Accounts,
    private readonly thresholds: BudgetThresholds,
    private readonly logs: RequestLogReader,
    private readonly outbox: Outbox,
  ) {}

  /** Returns how many events are new. */
  async run(clock: Pick<Clock, 'nowMs'>): Promise<number> {
    const sinceMs = clock.nowMs() - REFUSALS_SINCE_MS;
    const strained = await this.accounts.listStrainedBudgets();
    const alerts = [...(await this.#reached(strained)), ...(await this.#refused(sinceMs)), ...(await this.#exhausted(sinceMs))];
    const untold = await this.outbox.listUntold(alerts);
    let count = 0;
    for (const alert of untold) if ((await this.outbox.append(alert)) !== null) count += 1;
    return count;
  }

  async #reached(strained: readonly StrainedBudget[]): Promise<NewAlert[]> {
    const alerts: NewAlert[] = [];
    for (const layer of LAYERS) {
      const budgets = strained.filter(({ scope }) => scope === layer);
      const percents = await this.thresholds.listSoftPercents(layer, budgets.map(({ scopeId }) => scopeId));
      for (const budget of budgets) {
        const reached = (percents.get(budget.scopeId) ?? []).filter((percent) => budget.spentNanoUsd * 100n >= budget.amountNanoUsd * BigInt(percent));
        if (budget.spentNanoUsd >= budget.amountNanoUsd) alerts.push(hard(budget));
        else if (reached.length > 0) alerts.push(soft(budget, Math.max(...reached)));
      }
    }
    return alerts;
  }

  async #refused(sinceMs: number): Promise<NewAlert[]> {
    const callers = await this.logs.listRefused('budget_exceeded', sinceMs);
    const found = await Promise.all(callers.map(({ organizationId, projectId, keyId }) => this.accounts.findTightestBudget([organizationId, projectId, keyId])));
    return found.flatMap((budget) => (budget === null ? [] : [hard(budget)]));
  }

  /** Once a day and organization. */
  async #exhausted(sinceMs: number): Promise<NewAlert[]> {
    const callers = await this.logs.listRefused('insufficient_credits', sinceMs);
    const organizations = new Set(callers.map(({ organizationId }: RefusedCaller) => organizationId));
    return Promise.all([...organizations].map((organizationId) => this.#exhaustedOf(organizationId)));
  }

  async #exhaustedOf(organizationId: string): Promise<NewAlert> {
    const account = await this.accounts.get(organizationId);
    const day = new Date().toISOString().slice(0, 10);
    const data = { balance_usd: formatUsd(account.balanceNanoUsd), held_usd: formatUsd(account.heldNanoUsd), available_usd: formatUsd(account.availableNanoUsd) };
    return { type: 'credits.exhausted', occasion: `${organizationId} ${day}`, organizationId, data };
  }
}

/** Raising the amount begins a new occasion. */
function soft(budget: StrainedBudget, percent: number): NewAlert {
  return { type: 'budget.soft', occasion: `${budget.ceilingId} ${budget.amountNanoUsd} ${percent}`, organizationId: budget.organizationId, data: { ...dataOf(budget), percent } };
}

function hard(budget: StrainedBudget): NewAlert {
  return { type: 'budget.hard', occasion: `${budget.ceilingId} ${budget.amountNanoUsd}`, organizationId: budget.organizationId, data: dataOf(budget) };
}

function dataOf(budget: StrainedBudget): Record<string, unknown> {
  const iso = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return {
    scope: budget.scope,
    id: budget.scopeId,
    period: budget.period,
    starts_at: iso(budget.startsAtMs),
    ends_at: iso(budget.endsAtMs),
    amount_usd: formatUsd(budget.amountNanoUsd),
    spent_usd: formatUsd(budget.spentNanoUsd),
    held_usd: formatUsd(budget.heldNanoUsd),
  };
}
