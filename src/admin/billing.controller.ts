import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { Organizations } from '../auth/index.js';
import { Accounts, Credits, LedgerEntries, LedgerVerify, Refunds } from '../billing/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { GrantCreditDto, RefundDto } from './dto/organizations.dto.js';
import { Operated } from './operated.js';
import { renderEntries, renderVerification } from './render-ledger.js';

@Operated('billing')
@Controller('admin/v1')
export class BillingController {
  constructor(
    private readonly organizations: Organizations,
    private readonly accounts: Accounts,
    private readonly credits: Credits,
    private readonly entries: LedgerEntries,
    private readonly verifier: LedgerVerify,
    private readonly refunds: Refunds,
  ) {}

  @Post('credits')
  async grant(@Body() body: GrantCreditDto, @Req() request: AuditedRequest): Promise<unknown> {
    await this.organizations.get(body.organization_id, request.transaction);
    return this.credits.grant({ ...body }, request.transaction);
  }

  @Get('accounts/:id')
  async account(@Param('id') id: string): Promise<unknown> {
    await this.organizations.get(id);
    return this.accounts.get(id);
  }

  @Get('ledger/entries')
  async ledgerEntries(@Query('request_id') requestId: string | undefined): Promise<unknown> {
    if (requestId === undefined || requestId === '') throw invalidRequest('request_id', 'The query parameter request_id is required.');
    return renderEntries(await this.entries.ofRequest(requestId));
  }

  @Get('ledger/verify')
  async verify(): Promise<unknown> {
    return renderVerification(await this.verifier.verify());
  }

  @Post('requests/:id/refunds')
  refund(@Param('id') id: string, @Body() body: RefundDto, @Req() request: AuditedRequest): Promise<unknown> {
    return this.refunds.refund(id, { ...body }, request.transaction);
  }
}
