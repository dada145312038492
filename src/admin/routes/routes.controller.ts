import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { invalidRequest } from '../../core/errors/gateway-error.js';
import type { Queryable } from '../../platform/database/index.js';
import { ConfigurationService, RouteDrafts, type ApplyResult, type RouteDraft, type RouteVersion } from '../../providers/index.js';
import type { AuditedRequest } from '../audit/audit.interceptor.js';
import { ListQueryDto } from '../dto/list-query.dto.js';
import { PublishRoutesDto, RollBackRoutesDto, RouteDraftDto } from '../dto/routes.dto.js';
import { Operated } from '../operated.js';

const DEFAULT_LIMIT = 50;

/** Routes on their way into force: draft, validate, explain (`routes/explain` with `draft_id`), publish, roll back. */
@Operated('routes')
@Controller('admin/v1/routes')
export class RoutesController {
  constructor(
    private readonly configuration: ConfigurationService,
    private readonly drafts: RouteDrafts,
  ) {}

  /** What rules now; the first that matches decides. */
  @Get()
  inForce(): Record<string, unknown> {
    const { version, routes } = this.configuration.routes();
    return { version, data: routes, next_cursor: null };
  }

  /** Versions that changed routes, newest first. */
  @Get('versions')
  async versions(@Query() query: ListQueryDto): Promise<Record<string, unknown>> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const cursor = cursorOf(query, /^\d{1,15}$/);
    const rows = await this.configuration.listRouteVersions(limit + 1, cursor === null ? null : Number(cursor));
    return { data: rows.slice(0, limit).map(renderVersion), next_cursor: rows.length > limit ? String(rows[limit - 1]?.id) : null };
  }

  @Get('versions/:version')
  async version(@Param('version') version: string): Promise<Record<string, unknown>> {
    if (!/^\d{1,15}$/.test(version)) throw invalidRequest('version', 'version must be the number of a configuration version.');
    return { version: Number(version), routes: await this.configuration.routesOf(Number(version)) };
  }

  /** Faults do not keep a draft from being kept; `validation` names them. */
  @Post('drafts')
  async create(@Body() body: RouteDraftDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    return this.render(await this.drafts.create({ ...body }, request.transaction as Queryable));
  }

  /** Newest first, without their routes. */
  @Get('drafts')
  async list(@Query() query: ListQueryDto): Promise<Record<string, unknown>> {
    const limit = query.limit ?? DEFAULT_LIMIT;
    const rows = await this.drafts.list(limit + 1, cursorOf(query, /^rdf_\w{1,40}$/));
    return { data: rows.slice(0, limit).map(renderDraft), next_cursor: rows.length > limit ? rows[limit - 1]?.id : null };
  }

  @Get('drafts/:id')
  async one(@Param('id') id: string): Promise<Record<string, unknown>> {
    return this.render(await this.drafts.get(id));
  }

  @Patch('drafts/:id')
  async update(@Param('id') id: string, @Body() body: RouteDraftDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    request.auditBefore = await this.drafts.get(id);
    return this.render(await this.drafts.update(id, { ...body }, request.transaction as Queryable));
  }

  @Delete('drafts/:id')
  async discard(@Param('id') id: string, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    return renderDraft(await this.drafts.discard(id, request.transaction as Queryable));
  }

  /** In force here before the answer, on every other engine within 5 s. */
  @Post('drafts/:id/publish')
  @HttpCode(200)
  async publish(@Param('id') id: string, @Body() body: PublishRoutesDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    request.auditBefore = this.configuration.routes();
    const { draft, ...result } = await this.drafts.publish(id, body.force === true, request.transaction as Queryable);
    return { ...renderResult(result), draft: renderDraft(draft) };
  }

  /** The routes of an earlier version become those of a new one. */
  @Post('rollback')
  @HttpCode(200)
  async rollBack(@Body() body: RollBackRoutesDto, @Req() request: AuditedRequest): Promise<Record<string, unknown>> {
    request.auditBefore = this.configuration.routes();
    return renderResult(await this.drafts.rollBack(body.version, request.transaction as Queryable));
  }

  private render(draft: RouteDraft): Record<string, unknown> {
    const { ok, errors, warnings } = this.drafts.validate(draft);
    return { ...renderDraft(draft), routes: draft.routes, validation: { ok, errors, warnings } };
  }
}

function renderDraft(draft: RouteDraft): Record<string, unknown> {
  return {
    id: draft.id,
    object: 'route_draft',
    state: draft.state,
    note: draft.note,
    route_count: draft.routes.length,
    base_version: draft.baseVersion,
    published_version: draft.publishedVersion,
    created_at: new Date(draft.createdAtMs).toISOString(),
    updated_at: new Date(draft.updatedAtMs).toISOString(),
  };
}

function renderVersion({ id, source, createdAtMs, changes }: RouteVersion): Record<string, unknown> {
  return { version: id, source, created_at: new Date(createdAtMs).toISOString(), changes };
}

function renderResult({ version, changes }: ApplyResult): Record<string, unknown> {
  return { version, changes };
}

function cursorOf({ cursor }: ListQueryDto, pattern: RegExp): string | null {
  if (cursor !== undefined && !pattern.test(cursor)) throw invalidRequest('cursor', 'cursor must be the next_cursor of the page before.');
  return cursor ?? null;
}
