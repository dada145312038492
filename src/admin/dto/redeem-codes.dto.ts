import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsDefined, IsISO8601, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { MAX_CODE_COUNT, MAX_USES_COUNT } from '../../billing/index.js';

export class CreateRedeemCodesDto {
  @ApiProperty({ example: 10, minimum: 1, maximum: MAX_CODE_COUNT, description: 'Up to 1,000 are in the answer; more are made by a job' })
  @IsInt()
  @Min(1)
  @Max(MAX_CODE_COUNT)
  count!: number;

  @ApiProperty({ example: '25.00', description: 'Credit that each use gives: decimal string in USD' })
  @IsDefined()
  amount_usd!: unknown;

  @ApiPropertyOptional({ default: 1, description: 'Organizations that may redeem each code, once each' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_USES_COUNT)
  max_uses?: number;

  @ApiPropertyOptional({ example: '2027-01-01T00:00:00Z', description: 'Until when the codes can be redeemed' })
  @IsOptional()
  @IsISO8601({ strict: true })
  expires_at?: string;

  @ApiPropertyOptional({ example: '2027-07-01T00:00:00Z', description: 'Until when their credit can be spent' })
  @IsOptional()
  @IsISO8601({ strict: true })
  credit_expires_at?: string;

  @ApiPropertyOptional({ example: 'spring campaign' })
  @IsOptional()
  @IsString()
  @Length(1, 500)
  note?: string;

  @ApiPropertyOptional({ type: [String], description: 'The only organizations that may redeem; default: every one' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @Length(1, 64, { each: true })
  organization_ids?: string[];
}

export class RevokeRedeemCodesDto {
  @ApiProperty({ example: 'leaked' })
  @IsString()
  @Length(1, 500)
  reason!: string;

  @ApiPropertyOptional({ default: false, description: 'Also takes back what of the redeemed credit is unspent' })
  @IsOptional()
  @IsBoolean()
  claw_back?: boolean;

  @ApiPropertyOptional({ description: 'One code, by its place in the batch; default: the whole batch' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_CODE_COUNT)
  number?: number;
}

export class RevokeRedeemCodeDto {
  @ApiProperty({ description: 'The code itself' })
  @IsString()
  @Length(1, 128)
  code!: string;

  @ApiProperty({ example: 'leaked' })
  @IsString()
  @Length(1, 500)
  reason!: string;

  @ApiPropertyOptional({ default: false })
  @IsOptional()
  @IsBoolean()
  claw_back?: boolean;
}
