import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsDefined, IsISO8601, IsInt, IsOptional, IsString, Length, Matches, Max, Min } from 'class-validator';
import type { Budget, Limits, Policy } from '../../core/policy/index.js';

const CURRENCY = /^[A-Z]{3}$/;

/** Policy, limits and budget are read by their own strict parsers, which name the path and the nearest known word. */
export class LayerDto {
  @ApiPropertyOptional({ type: Object, description: 'What it may do; what it does not name is allowed' })
  @IsOptional()
  policy?: Policy;

  @ApiPropertyOptional({ type: Object, description: 'rpm, tpm, rpd, concurrency' })
  @IsOptional()
  limits?: Limits;

  @ApiPropertyOptional({ type: Object, description: 'amount_usd and period (total, day, week, month)' })
  @IsOptional()
  budget?: Budget | null;
}

export class CreateOrganizationDto extends LayerDto {
  @ApiProperty({ example: 'Acme Korea' })
  @IsString()
  @Length(1, 200)
  name!: string;
}

export class UpdateOrganizationDto extends LayerDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;
}

export class CreateProjectDto extends LayerDto {
  @ApiProperty({ example: 'default' })
  @IsString()
  @Length(1, 64)
  organization_id!: string;

  @ApiProperty({ example: 'chat' })
  @IsString()
  @Length(1, 200)
  name!: string;

  @ApiPropertyOptional({ example: 'kr', description: 'The only zone it may be served in' })
  @IsOptional()
  @IsString()
  @Length(1, 63)
  zone?: string;

  @ApiPropertyOptional({ example: 'Asia/Seoul' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  timezone?: string;

  @ApiPropertyOptional({ example: 'USD' })
  @IsOptional()
  @Matches(CURRENCY)
  currency?: string;
}

export class UpdateProjectDto extends LayerDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;

  @ApiPropertyOptional({ nullable: true, type: String })
  @IsOptional()
  @IsString()
  @Length(1, 63)
  zone?: string | null;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  timezone?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @Matches(CURRENCY)
  currency?: string;
}

export class CreateKeyDto extends LayerDto {
  @ApiProperty({ example: 'default' })
  @IsString()
  @Length(1, 64)
  project_id!: string;

  @ApiProperty({ example: 'ci' })
  @IsString()
  @Length(1, 200)
  name!: string;

  @ApiPropertyOptional({ example: '2027-01-01T00:00:00Z' })
  @IsOptional()
  @IsISO8601({ strict: true })
  expires_at?: string;
}

export class UpdateKeyDto extends LayerDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 200)
  name?: string;

  @ApiPropertyOptional({ nullable: true, type: String })
  @IsOptional()
  @IsISO8601({ strict: true })
  expires_at?: string | null;
}

export class RotateKeyDto {
  @ApiPropertyOptional({ example: 3600, description: 'How long the old key goes on working, in seconds' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(30 * 86_400)
  overlap_seconds?: number;
}

export class GrantCreditDto {
  @ApiProperty({ example: 'default' })
  @IsString()
  @Length(1, 64)
  organization_id!: string;

  @ApiProperty({ example: '25.00', description: 'Decimal string in USD' })
  @IsDefined()
  amount_usd!: unknown;

  @ApiProperty({ example: 'invoice 2026-11' })
  @IsString()
  @Length(1, 500)
  reason!: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsISO8601({ strict: true })
  expires_at?: string;

  @ApiPropertyOptional({ default: 100, description: 'Lower is spent first; of equal ones that which expires first' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(1_000_000)
  priority?: number;

  @ApiPropertyOptional({ description: 'The same key grants once' })
  @IsOptional()
  @IsString()
  @Length(1, 255)
  idempotency_key?: string;
}

export class RefundDto {
  @ApiPropertyOptional({ description: 'Decimal string in USD; default: all that is left of the charge' })
  @IsOptional()
  amount_usd?: unknown;

  @ApiProperty()
  @IsString()
  @Length(1, 500)
  reason!: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 255)
  idempotency_key?: string;
}
