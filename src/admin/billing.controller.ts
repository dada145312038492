import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { Organizations } from '../auth/index.js';
import { Accounts, Credits, LedgerRequests, LedgerVerify, Refunds } from '../billing/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { GrantCreditDto, RefundDto } from './dto/organizations.dto.js';
import { Operated } from './operated.js';
import { readFuture, readUsd } from './read-values.js';
import { renderAccount, renderEntry, renderGrant, renderRefund, renderVerification } from './render-ledger.js';

@Operated('billing')
@Controller('admin/v1')
export class CreditsController {
  constructor(
    private readonly organizations: Organizations,
    private readonly accounts: Accounts,
    private readonly credits: Credits,
  ) {}

  @Post('credits')
  async grant(@Body() body: GrantCreditDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    await this.organizations.get(body.organization_id, request.transaction);
    const grant = await this.credits.grant(
      {
        organizationId: body.organization_id,
        amountNanoUsd: readUsd('amount_usd', body.amount_usd),
        reason: body.reason,
        expiresAtMs: body.expires_at === undefined ? undefined : readFuture('expires_at', body.expires_at),
        idempotencyKey: body.idempotency_key,
        actor: 'operator',
      },
      request.transaction,
    );
    return renderGrant(grant);
  }

  @Get('accounts/:id')
  async account(@Param('id') id: string): Promise<Record<string, unknown>> {
    await this.organizations.get(id);
    return renderAccount(await this.accounts.get(id));
  }
}

@Operated('billing')
@Controller('admin/v1')
export class LedgerController {
  constructor(
    private readonly requests: LedgerRequests,
    private readonly verifier: LedgerVerify,
    private readonly refunds: Refunds,
  ) {}

  @Get('ledger/entries')
  async entries(@Query('request_id') requestId: string | undefined): Promise<Record<string, unknown>> {
    if (requestId === undefined || requestId === '') throw invalidRequest('request_id', 'The query parameter request_id is required.');
    const [money, entries] = await Promise.all([this.requests.find(requestId), this.requests.listEntries(requestId)]);
    return { request_id: requestId, state: money?.state ?? null, data: entries.map(renderEntry), next_cursor: null };
  }

  @Get('ledger/verify')
  async verify(): Promise<Record<string, unknown>> {
    return renderVerification(await this.verifier.verify());
  }

  @Post('requests/:id/refunds')
  async refund(@Param('id') id: string, @Body() body: RefundDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const refund = await this.refunds.refund(
      {
        requestId: id,
        amountNanoUsd: body.amount_usd === undefined ? undefined : readUsd('amount_usd', body.amount_usd),
        reason: body.reason,
        idempotencyKey: body.idempotency_key,
        actor: 'operator',
      },
      request.transaction,
    );
    return renderRefund(refund);
  }
}
