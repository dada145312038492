import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsIn, IsInt, IsISO8601, IsObject, IsOptional, IsString, Length, Max, MaxLength, Min } from 'class-validator';
import { ListQueryDto } from './list-query.dto.js';

const OUTCOMES = ['matched', 'different', 'ours_only', 'theirs_only'] as const;
const MAX_LINE = 1_000_000;

export class ImportReportDto {
  @ApiProperty({ example: 'openai', description: "The provider's id in the configuration" })
  @IsString()
  @Length(1, 128)
  provider!: string;

  @ApiProperty({ example: '2026-11-01T00:00:00Z' })
  @IsISO8601({ strict: true })
  from!: string;

  @ApiProperty({ example: '2026-12-01T00:00:00Z', description: 'Exclusive' })
  @IsISO8601({ strict: true })
  to!: string;

  @ApiProperty({ enum: ['csv', 'json'] })
  @IsIn(['csv', 'json'])
  format!: 'csv' | 'json';

  @ApiProperty({
    type: Object,
    example: { id: 'request_id', cost: 'cost_usd', input: 'input_tokens', output: 'output_tokens' },
    description: 'Columns (paths, in JSON): id, or day and model; cost in USD; currency, input, output, cache_read, cache_write where the report has them',
  })
  @IsObject()
  mapping!: Record<string, unknown>;

  @ApiProperty({ description: 'The report itself' })
  @IsString()
  @MaxLength(30_000_000)
  report!: string;

  @ApiPropertyOptional({ example: '0.000001', description: 'Differences up to this are none; default 0' })
  @IsOptional()
  tolerance_usd?: unknown;
}

export class ReconciliationLinesDto extends ListQueryDto {
  @ApiPropertyOptional({ enum: OUTCOMES })
  @IsOptional()
  @IsIn(OUTCOMES)
  outcome?: (typeof OUTCOMES)[number];

  @ApiPropertyOptional({ description: 'Only lines with a correction that is proposed and not posted' })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (value === 'true' ? true : value === 'false' ? false : value))
  @IsBoolean()
  open?: boolean;
}

export class PostCorrectionsDto {
  @ApiPropertyOptional({ type: [Number], description: 'Some of the lines; default: all that are proposed' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(500)
  @ArrayUnique()
  @IsInt({ each: true })
  @Min(1, { each: true })
  @Max(MAX_LINE, { each: true })
  lines?: number[];
}
