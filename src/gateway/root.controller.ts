import { Controller, Get } from '@nestjs/common';
import { renderErrorCatalogue } from '../core/errors/render-catalogue.js';
import { BUILD } from '../platform/index.js';

/** What can be asked without a key. */
@Controller()
export class RootController {
  @Get()
  about(): Record<string, string> {
    return { name: 'OpenGateway', version: BUILD.version, docs: '/docs' };
  }

  /** The error catalogue, machine-readable: every `error.code` with its status, type and remedy. */
  @Get('v1/errors')
  errors(): ReturnType<typeof renderErrorCatalogue> {
    return renderErrorCatalogue();
  }
}
