import { ApiQuery } from '@nestjs/swagger';
import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { Organizations } from '../auth/index.js';
import { Accounts, Credits, ExchangeRates, LedgerRequests, LedgerVerify, Recompute, Refunds } from '../billing/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { ListQueryDto } from './dto/list-query.dto.js';
import { GrantCreditDto, RefundDto } from './dto/organizations.dto.js';
import { Operated } from './operated.js';
import { readFuture, readUsd } from './read-values.js';
import { renderAccount, renderEntry, renderGrant, renderRefund, renderVerification, renderWrongCharge } from './render-ledger.js';

const DEFAULT_LIMIT = 50;

@Operated('billing')
@Controller('admin/v1')
export class CreditsController {
  constructor(
    private readonly organizations: Organizations,
    private readonly accounts: Accounts,
    private readonly credits: Credits,
    private readonly rates: ExchangeRates,
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
        priority: body.priority,
        idempotencyKey: body.idempotency_key,
        actor: 'operator',
      },
      request.transaction,
    );
    return renderGrant(grant);
  }

  /** An organization's grants, newest first. */
  @Get('credits')
  async list(@Query() query: ListQueryDto): Promise<Record<string, unknown>> {
    if (query.organization_id === undefined) throw invalidRequest('organization_id', 'The query parameter organization_id is required.');
    if (query.cursor !== undefined && !/^\d{1,15}$/.test(query.cursor)) throw invalidRequest('cursor', 'cursor must be the next_cursor of an earlier page.');
    await this.organizations.get(query.organization_id);
    const limit = query.limit ?? DEFAULT_LIMIT;
    const grants = await this.credits.list(query.organization_id, { limit: limit + 1, before: query.cursor === undefined ? undefined : Number(query.cursor) });
    return { data: grants.slice(0, limit).map(renderGrant), next_cursor: grants.length > limit ? String(grants[limit - 1]?.id) : null };
  }

  /** `?currency=KRW`: also in that currency, at the operator's stored rate. */
  @Get('accounts/:id')
  @ApiQuery({ name: 'currency', required: false, schema: { type: 'string', example: 'KRW' } })
  async account(@Param('id') id: string, @Query('currency') currency?: string): Promise<Record<string, unknown>> {
    await this.organizations.get(id);
    const rate = currency === undefined ? null : await this.rates.get(String(currency), Date.now());
    return renderAccount(await this.accounts.get(id), rate);
  }
}

@Operated('billing')
@Controller('admin/v1')
export class LedgerController {
  constructor(
    private readonly requests: LedgerRequests,
    private readonly verifier: LedgerVerify,
    private readonly refunds: Refunds,
    private readonly recompute: Recompute,
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

  /** Computes 5,000 historic charges again from their usage and price version; `cursor` goes on. */
  @Get('ledger/recompute')
  @ApiQuery({ name: 'cursor', required: false, schema: { type: 'string' } })
  async recomputed(@Query('cursor') cursor?: string): Promise<Record<string, unknown>> {
    if (cursor !== undefined && !/^[\w-]{1,64}$/.test(String(cursor))) throw invalidRequest('cursor', 'cursor must be the next_cursor of an earlier page.');
    const { checkedCount, wrong, next } = await this.recompute.page(cursor ?? null);
    return { checked: checkedCount, data: wrong.map(renderWrongCharge), next_cursor: next };
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
