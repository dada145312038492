import { Body, Controller, Get, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { Organizations, Projects, type Organization, type Page, type Project } from '../auth/index.js';
import { Credits } from '../billing/index.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { Operated } from './operated.js';
import { CreateOrganizationDto, CreateProjectDto, UpdateOrganizationDto, UpdateProjectDto } from './dto/organizations.dto.js';
import { ListQueryDto } from './dto/list-query.dto.js';

@Operated('organizations')
@Controller('admin/v1/organizations')
export class OrganizationsController {
  constructor(
    private readonly organizations: Organizations,
    private readonly credits: Credits,
  ) {}

  @Get()
  list(@Query() query: ListQueryDto): Promise<Page<Organization>> {
    return this.organizations.list(query);
  }

  @Get(':id')
  one(@Param('id') id: string): Promise<Organization> {
    return this.organizations.get(id);
  }

  @Post()
  async create(@Body() body: CreateOrganizationDto, @Req() request: AuditedRequest): Promise<Organization> {
    const created = await this.organizations.create({ ...body }, request.transaction);
    await this.credits.ensureAccount(created.id, request.transaction);
    return created;
  }

  @Patch(':id')
  async patch(@Param('id') id: string, @Body() body: UpdateOrganizationDto, @Req() request: AuditedRequest): Promise<Organization> {
    request.auditBefore = await this.organizations.get(id);
    return this.organizations.patch(id, { ...body }, request.transaction);
  }
}

@Operated('projects')
@Controller('admin/v1/projects')
export class ProjectsController {
  constructor(private readonly projects: Projects) {}

  @Get()
  list(@Query() query: ListQueryDto): Promise<Page<Project>> {
    return this.projects.list(query);
  }

  @Get(':id')
  one(@Param('id') id: string): Promise<Project> {
    return this.projects.get(id);
  }

  @Post()
  create(@Body() body: CreateProjectDto, @Req() request: AuditedRequest): Promise<Project> {
    return this.projects.create({ ...body }, request.transaction);
  }

  @Patch(':id')
  async patch(@Param('id') id: string, @Body() body: UpdateProjectDto, @Req() request: AuditedRequest): Promise<Project> {
    request.auditBefore = await this.projects.get(id);
    return this.projects.patch(id, { ...body }, request.transaction);
  }
}
