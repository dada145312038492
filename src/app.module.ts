import { Module, type DynamicModule } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import { PlatformModule, type Platform } from './platform/index.js';

/** One list of modules per role. */
@Module({})
export class AppModule {
  static forRoot(platform: Platform): DynamicModule {
    return { module: AppModule, imports: [PlatformModule.forRoot(platform)] };
  }
}

/** What Nest cannot say of its HTTP server, before the routes are registered. */
export function configureServer(instance: FastifyInstance): void {
  instance.removeAllContentTypeParsers();
}
