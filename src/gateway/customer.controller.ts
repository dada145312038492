import { Controller, Get, Inject, Query, Req, UseGuards } from '@nestjs/common';
import { ApiQuery } from '@nestjs/swagger';
import { Limits, VirtualKeyGuard, type AuthenticatedRequest } from '../auth/index.js';
import { Accounts, LedgerRequests, renderRate, type BudgetBalance, type RequestMoney } from '../billing/index.js';
import { GatewayError, invalidRequest } from '../core/errors/gateway-error.js';
import type { Caller, CallerLayer } from '../core/policy/caller.js';
import { effectivePolicy } from '../core/policy/index.js';
import { formatUsd, viewOfUsd } from '../core/pricing/index.js';
import { RequestLogReader } from '../logs/index.js';
import { DescribeCustomerCall } from './api-docs.js';
import { CurrencyViews } from './currency-views.js';
import { readQuery } from './read-query.js';

/** What a key may know of itself, its credit and its own requests. Works with no credit at all. */
@Controller('v1')
@UseGuards(VirtualKeyGuard)
export class CustomerController {
  @Inject(CurrencyViews)
  private readonly views!: CurrencyViews;

  constructor(
    private readonly limits: Limits,
    private readonly accounts: Accounts,
    private readonly requests: RequestLogReader,
    private readonly ledger: LedgerRequests,
  ) {}

  @Get('key')
  @DescribeCustomerCall('What this key may do, its limits and what it has used')
  async key(@Req() request: AuthenticatedRequest): Promise<Record<string, unknown>> {
    const caller = request.caller as Caller;
    return {
      object: 'key',
      id: caller.keyId,
      name: caller.keyName,
      project_id: caller.projectId,
      organization_id: caller.organizationId,
      expires_at: caller.expiresAtMs === undefined ? null : new Date(caller.expiresAtMs).toISOString(),
      policy: effectivePolicy(caller),
      limits: await this.limits.usage(caller),
      budgets: (await Promise.all(caller.layers.map((layer) => this.budgetOf(layer)))).flat(),
    };
  }

  @Get('credits')
  @DescribeCustomerCall("The organization's credit")
  @ApiQuery({ name: 'currency', required: false, schema: { type: 'string', example: 'KRW' } })
  async credits(@Req() request: AuthenticatedRequest, @Query() query: unknown): Promise<Record<string, unknown>> {
    const caller = request.caller as Caller;
    const { currency } = readQuery(query, ['currency']);
    const account = await this.accounts.get(caller.organizationId);
    const rate = await this.views.find(currency, caller.currency, Date.now());
    return {
      object: 'credits',
      organization_id: caller.organizationId,
      balance_usd: formatUsd(account.balanceNanoUsd),
      held_usd: formatUsd(account.heldNanoUsd),
      available_usd: formatUsd(account.availableNanoUsd),
      ...(rate !== null && { view: { ...renderRate(rate), balance: viewOfUsd(account.balanceNanoUsd, rate), available: viewOfUsd(account.availableNanoUsd, rate) } }),
    };
  }

  /** The record of one of the caller's own requests; another organization's does not exist. */
  @Get('generation')
  @DescribeCustomerCall('The record of one request, by its x-request-id')
  async generation(@Req() request: AuthenticatedRequest, @Query('id') id: string | undefined): Promise<Record<string, unknown>> {
    if (id === undefined || id === '') throw invalidRequest('id', 'The query parameter id is required: the x-request-id of a request.');
    const { organizationId } = request.caller as Caller;
    const [logged, money] = await Promise.all([this.requests.find(id), this.ledger.find(id)]);
    const isTheirs = [logged?.['organization_id'], money?.organizationId].includes(organizationId);
    if (!isTheirs) throw new GatewayError('not_found', `There is no request ${id.slice(0, 64)} of this organization.`, { param: 'id' });
    // What the provider takes is between it and the operator. A request whose process was killed has no log.
    const { provider_cost_usd: _cost, ...shown } = logged ?? { id, object: 'request', organization_id: organizationId };
    return { ...shown, ...(money === null ? {} : renderMoney(money)) };
  }

  private async budgetOf({ layer, id, budget }: CallerLayer): Promise<Record<string, unknown>[]> {
    if (budget === undefined) return [];
    const running = (await this.accounts.listBudgets(layer, id)).find(({ period }) => period === budget.period);
    return [{ layer, id, ...budget, ...renderBudget(running) }];
  }
}

/** State and money of record, over what the log says. */
function renderMoney(money: RequestMoney): Record<string, unknown> {
  return {
    state: money.state,
    hold_usd: formatUsd(money.holdNanoUsd),
    cost_usd: formatUsd(money.chargedNanoUsd),
    refunded_usd: formatUsd(money.refundedNanoUsd),
    usage_estimated: money.estimated,
    price_id: money.priceId,
  };
}

/** A budget is counted from its first use in a period on. */
function renderBudget(running: BudgetBalance | undefined): Record<string, unknown> {
  if (running === undefined) return { spent_usd: '0', held_usd: '0', resets_at: null };
  const { spentNanoUsd, heldNanoUsd, endsAtMs } = running;
  return { spent_usd: formatUsd(spentNanoUsd), held_usd: formatUsd(heldNanoUsd), resets_at: endsAtMs === null ? null : new Date(endsAtMs).toISOString() };
}
