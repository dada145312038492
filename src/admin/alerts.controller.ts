import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Req } from '@nestjs/common';
import { Outbox, Webhooks, type Webhook } from '../alerts/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import type { Queryable } from '../platform/database/index.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { ListQueryDto } from './dto/list-query.dto.js';
import { CreateWebhookDto } from './dto/webhooks.dto.js';
import { Operated } from './operated.js';

const DEFAULT_LIMIT = 50;

/** What operators are told, and how each delivery stands. */
@Operated('alerts')
@Controller('admin/v1/alerts')
export class AlertsController {
  constructor(private readonly outbox: Outbox) {}

  /** Newest first. */
  @Get()
  async list(@Query() query: ListQueryDto): Promise<Record<string, unknown>> {
    if (query.cursor !== undefined && !/^evt_\w{1,40}$/.test(query.cursor)) throw invalidRequest('cursor', 'cursor must be the next_cursor of an earlier page.');
    const limit = query.limit ?? DEFAULT_LIMIT;
    const rows = await this.outbox.list({ limit: limit + 1, before: query.cursor });
    return { data: rows.slice(0, limit), next_cursor: rows.length > limit ? rows[limit - 1]?.['id'] : null };
  }
}

/** Where they are sent: signed, retried for about a day, each event with an id by which a receiver knows it again. */
@Operated('alerts')
@Controller('admin/v1/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: Webhooks) {}

  @Get()
  async list(): Promise<Record<string, unknown>> {
    return { data: (await this.webhooks.list()).map(renderWebhook), next_cursor: null };
  }

  /** The secret is in this answer and never again. */
  @Post()
  async create(@Body() body: CreateWebhookDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const { secret, ...created } = await this.webhooks.create({ url: body.url, events: body.events, allowPrivate: body.allow_private ?? false }, request.transaction as Queryable);
    return { ...renderWebhook(created), secret };
  }

  @Delete(':id')
  async remove(@Param('id') id: string, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    return renderWebhook(await this.webhooks.remove(id, request.transaction as Queryable));
  }

  /** Sends an event of type `webhook.test` to this webhook; `GET alerts` shows how it went. */
  @Post(':id/test')
  @HttpCode(200)
  async test(@Param('id') id: string, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    const { eventId, type } = await this.webhooks.test(id, request.transaction as Queryable);
    return { id: eventId, type };
  }
}

function renderWebhook({ id, url, events, allowPrivate, createdAtMs }: Webhook): Record<string, unknown> {
  return { id, object: 'webhook', url, events, allow_private: allowPrivate, created_at: new Date(createdAtMs).toISOString() };
}
