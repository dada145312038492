import { applyDecorators, UseGuards, UseInterceptors, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiTags } from '@nestjs/swagger';
import { OperatorGuard } from '../auth/index.js';
import { ADMIN_VALIDATION } from './admin-validation.pipe.js';
import { AuditInterceptor } from './audit/audit.interceptor.js';

/** What every admin controller has: the operator's token, strict bodies, an audit row for every mutation. */
export const Operated = (tag: string): ClassDecorator =>
  applyDecorators(UseGuards(OperatorGuard), UseInterceptors(AuditInterceptor), UsePipes(ADMIN_VALIDATION), ApiTags(tag), ApiBearerAuth('operator'));
