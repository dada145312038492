import { Controller, Get, Query, Req, UseGuards } from '@nestjs/common';
import { Limits, VirtualKeyGuard, type AuthenticatedRequest } from '../auth/index.js';
import { Accounts } from '../billing/index.js';
import { GatewayError, invalidRequest } from '../core/errors/gateway-error.js';
import type { Caller } from '../core/policy/caller.js';
import { effectivePolicy } from '../core/policy/index.js';
import { formatUsd } from '../core/pricing/index.js';
import { RequestLogReader } from '../logs/index.js';
import { DescribeCustomerCall } from './api-docs.js';

/** What a key may know of itself, its credit and its own requests. Works with no credit at all. */
@Controller('v1')
@UseGuards(VirtualKeyGuard)
export class CustomerController {
  constructor(
    private readonly limits: Limits,
    private readonly accounts: Accounts,
    private readonly requests: RequestLogReader,
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
      budgets: caller.layers.flatMap(({ layer, id, budget }) => (budget === undefined ? [] : [{ layer, id, ...budget }])),
    };
  }

  @Get('credits')
  @DescribeCustomerCall("The organization's credit")
  async credits(@Req() request: AuthenticatedRequest): Promise<Record<string, unknown>> {
    const caller = request.caller as Caller;
    const account = await this.accounts.get(caller.organizationId);
    return {
      object: 'credits',
      organization_id: caller.organizationId,
      balance_usd: formatUsd(account.balanceNanoUsd),
      held_usd: formatUsd(account.heldNanoUsd),
      available_usd: formatUsd(account.availableNanoUsd),
    };
  }

  /** The record of one of the caller's own requests; another organization's does not exist. */
  @Get('generation')
  @DescribeCustomerCall('The record of one request, by its x-request-id')
  async generation(@Req() request: AuthenticatedRequest, @Query('id') id: string | undefined): Promise<Record<string, unknown>> {
    if (id === undefined || id === '') throw invalidRequest('id', 'The query parameter id is required: the x-request-id of a request.');
    const found = await this.requests.find(id);
    if (found === null || found['organization_id'] !== (request.caller as Caller).organizationId) {
      throw new GatewayError('not_found', `There is no request ${id.slice(0, 64)} of this organization.`, { param: 'id' });
    }
    return found;
  }
}
