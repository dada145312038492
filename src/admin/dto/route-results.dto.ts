import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsISO8601, IsOptional, IsString, Length } from 'class-validator';

class TimeRangeDto {
  @ApiPropertyOptional({ description: 'Received at or after' })
  @IsOptional()
  @IsISO8601({ strict: true })
  from?: string;

  @ApiPropertyOptional({ description: 'Received before' })
  @IsOptional()
  @IsISO8601({ strict: true })
  to?: string;
}

export class RouteResultsQueryDto extends TimeRangeDto {
  @ApiProperty({ description: 'The route by its name, in force or not any more' })
  @IsString()
  @Length(1, 200)
  route!: string;
}

export class CacheUsageQueryDto extends TimeRangeDto {
  @ApiPropertyOptional({ enum: ['model', 'key'], default: 'model' })
  @IsOptional()
  @IsIn(['model', 'key'])
  group_by?: 'model' | 'key';

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  organization_id?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  key_id?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 256)
  model?: string;
}
