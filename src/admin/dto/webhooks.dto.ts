import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsBoolean, IsOptional, IsString, Length } from 'class-validator';
import { ALERT_TYPES } from '../../alerts/index.js';

export class CreateWebhookDto {
  @ApiProperty({ example: 'https://ops.example.com/opengateway' })
  @IsString()
  @Length(1, 2_048)
  url!: string;

  @ApiPropertyOptional({ type: [String], enum: ALERT_TYPES, description: 'Default: all' })
  @IsOptional()
  @IsArray()
  @ArrayMinSize(1)
  @ArrayMaxSize(ALERT_TYPES.length)
  @ArrayUnique()
  @IsString({ each: true })
  events?: string[];

  @ApiPropertyOptional({ default: false, description: 'It may be an address of your own network, and plain http' })
  @IsOptional()
  @IsBoolean()
  allow_private?: boolean;
}
