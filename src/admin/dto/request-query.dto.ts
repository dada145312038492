import { Transform } from 'class-transformer';
import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsISO8601, IsOptional, IsString, Length } from 'class-validator';
import type { RequestLogQuery } from '../../logs/index.js';
import { ListQueryDto } from './list-query.dto.js';

const asBoolean = ({ value }: { value: unknown }): unknown => (value === 'true' ? true : value === 'false' ? false : value);

/** Filters of the request log, combined with AND. */
export class RequestQueryDto extends ListQueryDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  key_id?: string;

  @ApiPropertyOptional({ description: 'Asked for or served; `*` at the end matches any ending' })
  @IsOptional()
  @IsString()
  @Length(1, 256)
  model?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 128)
  provider?: string;

  @ApiPropertyOptional({ description: 'A status, or 4xx, 5xx, error, success' })
  @IsOptional()
  @IsString()
  @Length(1, 16)
  status?: string;

  @ApiPropertyOptional({ description: 'completed, failed, canceled, compensated' })
  @IsOptional()
  @IsString()
  @Length(1, 16)
  state?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  error_code?: string;

  @ApiPropertyOptional({ description: 'Received at or after' })
  @IsOptional()
  @IsISO8601({ strict: true })
  from?: string;

  @ApiPropertyOptional({ description: 'Received before' })
  @IsOptional()
  @IsISO8601({ strict: true })
  to?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 128)
  session_id?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  tag?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 128)
  endpoint?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @Transform(asBoolean)
  @IsBoolean()
  has_fallback?: boolean;

  @ApiPropertyOptional()
  @IsOptional()
  @Transform(asBoolean)
  @IsBoolean()
  stream?: boolean;
}

export function requestLogQueryOf(dto: RequestQueryDto): RequestLogQuery {
  return {
    organizationId: dto.organization_id,
    projectId: dto.project_id,
    keyId: dto.key_id,
    model: dto.model,
    provider: dto.provider,
    status: dto.status,
    state: dto.state,
    errorCode: dto.error_code,
    fromMs: dto.from === undefined ? undefined : Date.parse(dto.from),
    toMs: dto.to === undefined ? undefined : Date.parse(dto.to),
    sessionId: dto.session_id,
    tag: dto.tag,
    endpoint: dto.endpoint,
    hasFallback: dto.has_fallback,
    stream: dto.stream,
    cursor: dto.cursor,
    limit: dto.limit,
  };
}
