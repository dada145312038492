import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Req } from '@nestjs/common';
import { VirtualKeys, type IssuedKey, type Page, type VirtualKey } from '../auth/index.js';
import type { AuditedRequest } from './audit/audit.interceptor.js';
import { ListQueryDto } from './dto/list-query.dto.js';
import { CreateKeyDto, RotateKeyDto, UpdateKeyDto } from './dto/organizations.dto.js';
import { Operated } from './operated.js';

@Operated('keys')
@Controller('admin/v1/keys')
export class KeysController {
  constructor(private readonly keys: VirtualKeys) {}

  @Get()
  list(@Query() query: ListQueryDto): Promise<Page<VirtualKey>> {
    return this.keys.list(query);
  }

  @Get(':id')
  one(@Param('id') id: string): Promise<VirtualKey> {
    return this.keys.get(id);
  }

  /** The key is in this answer and never again. */
  @Post()
  create(@Body() body: CreateKeyDto, @Req() request: AuditedRequest): Promise<IssuedKey> {
    return this.keys.create({ ...body }, request.transaction);
  }

  @Patch(':id')
  async patch(@Param('id') id: string, @Body() body: UpdateKeyDto, @Req() request: AuditedRequest): Promise<VirtualKey> {
    request.auditBefore = await this.keys.get(id);
    return this.keys.patch(id, { ...body }, request.transaction);
  }

  /** Final: from then on 401 `revoked_api_key`. */
  @Delete(':id')
  async revoke(@Param('id') id: string, @Req() request: AuditedRequest): Promise<VirtualKey> {
    request.auditBefore = await this.keys.get(id);
    return this.keys.revoke(id, request.transaction);
  }

  @Post(':id/rotate')
  @HttpCode(201)
  rotate(@Param('id') id: string, @Body() body: RotateKeyDto, @Req() request: AuditedRequest): Promise<IssuedKey> {
    return this.keys.rotate(id, { ...body }, request.transaction);
  }
}
