import { ApiPropertyOptional } from '@nestjs/swagger';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, IsISO8601, IsInt, IsOptional, IsString, Length, Max, Min } from 'class-validator';
import { ENDPOINTS } from '../../core/catalog/endpoints.js';

/** Either a request that was never sent, or one that is in the log. */
export class ExplainDto {
  @ApiPropertyOptional({ type: Object, description: 'The body of a chat completion; nothing is sent' })
  @IsOptional()
  request?: unknown;

  @ApiPropertyOptional({ description: 'A logged request: planned again from what was recorded of it, under today’s configuration and health' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  request_id?: string;

  @ApiPropertyOptional({ description: 'As this virtual key; without it nobody’s policy applies (a logged request: its own key)' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  key_id?: string;

  @ApiPropertyOptional({ description: 'As if it were this time' })
  @IsOptional()
  @IsISO8601({ strict: true })
  at?: string;

  @ApiPropertyOptional({ description: 'As if this draft of routes were in force' })
  @IsOptional()
  @IsString()
  @Length(1, 64)
  draft_id?: string;

  @ApiPropertyOptional({ type: [String], description: 'As `x-og-tags`' })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(16)
  @IsString({ each: true })
  @Length(1, 64, { each: true })
  tags?: string[];

  @ApiPropertyOptional({ description: 'As `x-og-session-id`' })
  @IsOptional()
  @IsString()
  @Length(1, 128)
  session_id?: string;

  @ApiPropertyOptional({ description: 'As `x-og-no-fallback`' })
  @IsOptional()
  @IsBoolean()
  no_fallback?: boolean;

  @ApiPropertyOptional({ description: 'As `x-og-allow-degraded`' })
  @IsOptional()
  @IsBoolean()
  allow_degraded?: boolean;

  @ApiPropertyOptional({ description: 'As if the prompt were so many tokens long' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(100_000_000)
  prompt_tokens?: number;

  @ApiPropertyOptional({ enum: ENDPOINTS, default: 'chat', description: 'As if it were this kind of call' })
  @IsOptional()
  @IsIn(ENDPOINTS)
  endpoint?: string;

  @ApiPropertyOptional({ description: 'Of the draws among equals; the same seed gives the same plan' })
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(4_294_967_295)
  seed?: number;
}

/** Of a new draft `routes` may be left out: it is then a copy of what is in force. */
export class RouteDraftDto {
  @ApiPropertyOptional({ type: [Object], description: 'The whole list of routes, as the configuration document writes them' })
  @IsOptional()
  routes?: unknown;

  @ApiPropertyOptional({ example: 'long prompts to the large model' })
  @IsOptional()
  @IsString()
  @Length(1, 500)
  note?: string;
}

export class PublishRoutesDto {
  @ApiPropertyOptional({ default: false, description: 'Although the routes have changed since the draft was made' })
  @IsOptional()
  @IsBoolean()
  force?: boolean;
}

export class RollBackRoutesDto {
  @ApiPropertyOptional({ description: 'The configuration version whose routes shall rule again; default: the last one before the present routes' })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  version?: number;
}
