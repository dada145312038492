import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsDefined, IsIn, IsISO8601, IsOptional, IsString, Length, Matches } from 'class-validator';

const LANGUAGES = ['en', 'ko', 'ja'] as const;
export type StatementLanguage = (typeof LANGUAGES)[number];

export class UsageQueryDto {
  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  organization_id?: string;

  @ApiPropertyOptional()
  @IsOptional()
  @IsString()
  @Length(1, 64)
  project_id?: string;

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

  @ApiPropertyOptional({ description: 'A date in the timezone or a time with offset, inclusive; default: 30 days before `to`' })
  @IsOptional()
  @IsString()
  from?: string;

  @ApiPropertyOptional({ description: 'The same, exclusive; default: now' })
  @IsOptional()
  @IsString()
  to?: string;

  @ApiPropertyOptional({ example: 'Asia/Seoul', description: 'Default: UTC' })
  @IsOptional()
  @IsString()
  timezone?: string;

  @ApiPropertyOptional({ example: 'day,model', description: 'Up to three of hour, day, month, model, provider, project, key; or tag, alone or with day' })
  @IsOptional()
  @IsString()
  group_by?: string;

  @ApiPropertyOptional({ example: 'KRW', description: 'Also shown in this currency, at the stored rate' })
  @IsOptional()
  @IsString()
  currency?: string;
}

export class StatementQueryDto {
  @ApiProperty()
  @IsString()
  @Length(1, 64)
  organization_id!: string;

  @ApiProperty({ example: '2026-11' })
  @IsString()
  month!: string;

  @ApiPropertyOptional({ example: 'Asia/Seoul', description: 'Where the month begins and ends; default: UTC' })
  @IsOptional()
  @IsString()
  timezone?: string;

  @ApiPropertyOptional({ example: 'KRW', description: 'Totals also in this currency, at the rate of the end of the period' })
  @IsOptional()
  @IsString()
  currency?: string;

  @ApiPropertyOptional({ enum: ['json', 'csv', 'html'], default: 'json' })
  @IsOptional()
  @IsIn(['json', 'csv', 'html'])
  format?: 'json' | 'csv' | 'html';

  @ApiPropertyOptional({ enum: LANGUAGES, default: 'en', description: 'Of the HTML' })
  @IsOptional()
  @IsIn(LANGUAGES)
  language?: StatementLanguage;
}

export class AddExchangeRateDto {
  @ApiProperty({ example: 'KRW' })
  @Matches(/^[A-Z]{3}$/, { message: 'currency must be an ISO 4217 code such as KRW or JPY' })
  currency!: string;

  @ApiProperty({ example: '1386.20', description: 'Units of the currency for one USD, as a decimal string' })
  @IsDefined()
  rate!: unknown;

  @ApiPropertyOptional({ example: '2026-11-01T00:00:00+09:00', description: 'Default: now' })
  @IsOptional()
  @IsISO8601({ strict: true })
  effective_from?: string;

  @ApiProperty({ example: 'Bank of Korea, base rate' })
  @IsString()
  @Length(1, 200)
  source!: string;
}

export class ExchangeRateQueryDto {
  @ApiPropertyOptional({ example: 'KRW' })
  @IsOptional()
  @Matches(/^[A-Z]{3}$/)
  currency?: string;
}
