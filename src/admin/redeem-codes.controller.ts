import { Body, Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Organizations } from '../auth/index.js';
import { RedeemBatches, RedeemDeliveries, type NewBatch } from '../billing/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import type { Queryable } from '../platform/database/index.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { ListQueryDto } from './dto/list-query.dto.js';
import { CreateRedeemCodesDto } from './dto/redeem-codes.dto.js';
import { Operated } from './operated.js';
import { readFuture, readUsd } from './read-values.js';
import { renderBatch, renderCodesCsv, renderFunnel, renderUse } from './render-redeem-codes.js';

const DEFAULT_LIMIT = 50;

/** Batches of redeem codes: made, shown once, looked into. */
@Operated('redeem codes')
@Controller('admin/v1/redeem-codes')
export class RedeemCodesController {
  constructor(
    private readonly batches: RedeemBatches,
    private readonly deliveries: RedeemDeliveries,
    private readonly organizations: Organizations,
  ) {}

  /** Up to 1,000 codes are in this answer and never again; more are made by a job (`status`, `progress`) and fetched once. */
  @Post()
  async create(@Body() body: CreateRedeemCodesDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    await this.knownOrganizations(body.organization_ids ?? [], request.transaction);
    const { batch, codes } = await this.batches.create(newBatch(body), request.transaction as Queryable);
    return { ...renderBatch(batch), codes };
  }

  /** Newest first. */
  @Get()
  async list(@Query() query: ListQueryDto): Promise<Record<string, unknown>> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const rows = await this.batches.list({ limit: limit + 1, before: cursorOf(query, /^rcb_\w{1,40}$/) });
    return { data: rows.slice(0, limit).map(renderBatch), next_cursor: rows.length > limit ? rows[limit - 1]?.id : null };
  }

  /** A batch, what became of its money, and who redeemed, newest first; `cursor` pages the uses. */
  @Get(':id')
  async one(@Param('id') id: string, @Query() query: ListQueryDto): Promise<Record<string, unknown>> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const cursor = cursorOf(query, /^\d{1,15}$/);
    const [batch, funnel, uses] = await Promise.all([
      this.batches.get(id),
      this.batches.funnel(id),
      this.batches.listUses(id, { limit: limit + 1, before: cursor === undefined ? undefined : Number(cursor) }),
    ]);
    const page = { data: uses.slice(0, limit).map(renderUse), next_cursor: uses.length > limit ? String(uses[limit - 1]?.id) : null };
    return { ...renderBatch(batch), ...renderFunnel(funnel), redemptions: page };
  }

  /** The codes of a large batch, this once: 409 before they are made, and ever after. */
  @Post(':id/delivery')
  @HttpCode(200)
  async deliver(@Param('id') id: string, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const codes = await this.deliveries.fetch(id, request.transaction as Queryable);
    return { batch_id: id, codes };
  }

  /** The state of every code as CSV, without the codes. */
  @Get(':id/export')
  async export(@Param('id') id: string, @Res() reply: FastifyReply): Promise<void> {
    const batch = await this.batches.get(id);
    const text = renderCodesCsv(batch, await this.batches.listCodes(id));
    void reply.type('text/csv; charset=utf-8').header('content-disposition', `attachment; filename="${batch.id}.csv"`).send(text);
  }

  private async knownOrganizations(ids: readonly string[], transaction: Queryable | undefined): Promise<void> {
    for (const [index, id] of ids.entries()) {
      if ((await this.organizations.find(id, transaction)) === null) {
        throw invalidRequest(`organization_ids[${index}]`, `There is no organization ${JSON.stringify(id)}.`);
      }
    }
  }
}

function newBatch(body: CreateRedeemCodesDto): NewBatch {
  const time = (param: 'expires_at' | 'credit_expires_at'): number | undefined => (body[param] === undefined ? undefined : readFuture(param, body[param]));
  return {
    codeCount: body.count,
    amountNanoUsd: readUsd('amount_usd', body.amount_usd),
    maxUses: body.max_uses,
    expiresAtMs: time('expires_at'),
    creditExpiresAtMs: time('credit_expires_at'),
    note: body.note,
    organizationIds: body.organization_ids,
  };
}

function cursorOf(query: ListQueryDto, shape: RegExp): string | undefined {
  if (query.cursor === undefined || shape.test(query.cursor)) return query.cursor;
  throw invalidRequest('cursor', 'cursor must be the next_cursor of an earlier page.');
}
