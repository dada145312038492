import { Controller, Get, Query } from '@nestjs/common';
import { invalidRequest } from '../core/errors/gateway-error.js';
import { AuditLog } from './audit/audit-log.js';
import { ListQueryDto } from './dto/list-query.dto.js';
import { Operated } from './operated.js';

const DEFAULT_LIMIT = 50;

@Operated('audit')
@Controller('admin/v1/audit-log')
export class AuditController {
  constructor(private readonly audit: AuditLog) {}

  @Get()
  list(@Query() query: ListQueryDto): Promise<unknown> {
    if (query.cursor !== undefined && !/^\d{1,18}$/.test(query.cursor)) throw invalidRequest('cursor', 'cursor must be the next_cursor of an earlier page.');
    return this.audit.list(query.limit ?? DEFAULT_LIMIT, query.cursor ?? null);
  }

  /** Recomputes the hash chain from its first row. */
  @Get('verify')
  async verify(): Promise<{ ok: boolean; broken_at: string | null }> {
    const brokenAt = await this.audit.findBreak();
    return { ok: brokenAt === null, broken_at: brokenAt };
  }
}
