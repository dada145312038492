import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { ConfigurationService } from '../providers/index.js';
import { invalidRequest } from '../core/errors/gateway-error.js';
import { Operated } from './operated.js';

@Operated('configuration')
@Controller('admin/v1')
export class ConfigurationController {
  constructor(private readonly configuration: ConfigurationService) {}

  /** The document as YAML text or JSON; in force in this process before the answer. */
  @Post('apply')
  apply(@Body() body: string | undefined, @Query('dry_run') dryRun: string | undefined): Promise<unknown> {
    if (body === undefined) throw invalidRequest('', 'The body is empty; send the configuration document as YAML or JSON.');
    if (dryRun !== undefined && dryRun !== 'true' && dryRun !== 'false') throw invalidRequest('dry_run', 'dry_run takes true or false.');
    return this.configuration.apply(body, { dryRun: dryRun === 'true', source: 'api' });
  }

  @Get('config')
  effective(): unknown {
    return this.configuration.get();
  }
}
