import { Controller, HttpCode, Post, Req, UseGuards } from '@nestjs/common';
import { ApiBody } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { VirtualKeyGuard, type AuthenticatedRequest } from '../auth/index.js';
import { Accounts, RedeemCodes } from '../billing/index.js';
import { scanBody } from '../core/json/index.js';
import type { Caller } from '../core/policy/caller.js';
import { formatUsd } from '../core/pricing/index.js';
import { NodeMessage } from '../platform/inbound/index.js';
import { DescribeCustomerCall } from './api-docs.js';
import { readJsonBody } from './http/request-body.js';

const BODY_LIMITS = { maxBytes: 4_096, deadlineMs: 10_000 };
const BODY = { type: 'object', required: ['code'], properties: { code: { type: 'string', example: 'OG-XXXXX-XXXXX-XXXXX-XXXXX-XXXXX' } } };

/** Credit for a code. Works with no credit at all. */
@Controller('v1/redeem')
@UseGuards(VirtualKeyGuard)
export class RedeemController {
  constructor(
    private readonly redeemCodes: RedeemCodes,
    private readonly accounts: Accounts,
  ) {}

  @Post()
  @HttpCode(200)
  @DescribeCustomerCall('Redeems a code: its credit is there when this answers')
  @ApiBody({ schema: BODY })
  async redeem(@Req() request: FastifyRequest & AuthenticatedRequest): Promise<Record<string, unknown>> {
    const { organizationId, keyId } = request.caller as Caller;
    const { code } = scanBody(await readJsonBody(new NodeMessage(request.raw), BODY_LIMITS)).value;
    const redemption = await this.redeemCodes.redeem({ code, organizationId, keyId, clientIp: request.ip });
    const account = await this.accounts.get(organizationId);
    return {
      object: 'redemption',
      organization_id: organizationId,
      amount_usd: formatUsd(redemption.amountNanoUsd),
      grant_id: String(redemption.grantId),
      credit_expires_at: redemption.creditExpiresAtMs === null ? null : new Date(redemption.creditExpiresAtMs).toISOString(),
      balance_usd: formatUsd(account.balanceNanoUsd),
      available_usd: formatUsd(account.availableNanoUsd),
    };
  }
}
