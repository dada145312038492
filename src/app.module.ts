import { Module, type DynamicModule, type Type } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance } from 'fastify';
import { AdminModule } from './admin/index.js';
import { AlertsModule } from './alerts/index.js';
import { AuthModule } from './auth/index.js';
import { BillingModule } from './billing/index.js';
import { configureHttp, GatewayModule, InferenceDoor, RouteTable } from './gateway/index.js';
import { LogsModule } from './logs/index.js';
import { serveApiReference } from './openapi.js';
import { PlatformModule, type Platform } from './platform/index.js';
import { Config } from './platform/config/index.js';
import { Drain } from './platform/health/index.js';
import { serveFirst, serveLean } from './platform/process/index.js';
import { ProvidersModule } from './providers/index.js';
import { RoutingModule } from './routing/index.js';
import { SandboxModule } from './sandbox/index.js';

/** The leaves: every role needs all of them, the one to use, another to answer questions about them or to run their jobs. */
const LEAVES: readonly (Type | DynamicModule)[] = [AuthModule, ProvidersModule, RoutingModule, BillingModule.forRoot(), LogsModule, SandboxModule, AlertsModule];

/** On top of the leaves stand the engine's `/v1` and the back office's `/admin/v1`, by role; a worker runs the leaves' jobs alone. */
@Module({})
export class AppModule {
  static forRoot(platform: Platform): DynamicModule {
    const { config } = platform;
    const imports: (DynamicModule | Type)[] = [PlatformModule.forRoot(platform), ...LEAVES.map(shared), GatewayModule.forRoot(config.runs('engine'))];
    if (config.runs('backoffice')) imports.push(AdminModule);
    return { module: AppModule, imports };
  }
}

/** Exports of a leaf are visible to every front without each importing it. */
function shared(leaf: Type | DynamicModule): DynamicModule {
  return 'module' in leaf ? { ...leaf, global: true } : { module: leaf, global: true };
}

/** What Nest cannot say of its HTTP server; before the routes are registered. */
export function configureServer(app: NestFastifyApplication): void {
  const instance = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  configureHttp(instance, app.get(RouteTable));
  const door = app.get(InferenceDoor);
  if (app.get(Config).runs('engine')) {
    serveFirst(instance.server, (request, response) => door.take(request, response));
    serveLean(instance.server, door, app.get(Drain));
  }
  serveApiReference(app);
}
