/** The auth module over a real database, without the rest of the gateway. */
import 'reflect-metadata';
import { Controller, Get, Global, Module, Req, UseGuards, type ExceptionFilter, type ArgumentsHost } from '@nestjs/common';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import type { FastifyReply } from 'fastify';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { register } from 'prom-client';
import { AuthModule, OperatorGuard, VirtualKeyGuard, type AuthenticatedRequest } from '../../src/auth/index.js';
import { GatewayError } from '../../src/core/errors/gateway-error.js';
import { Boot } from '../../src/platform/boot/index.js';
import { Clock, SystemClock } from '../../src/platform/clock/index.js';
import { Config } from '../../src/platform/config/index.js';
import { Database } from '../../src/platform/database/index.js';
import { ProcessGroup, SoleProcess } from '../../src/platform/cluster/index.js';
import { RedisConnection } from '../../src/platform/redis/index.js';
import { OperatorToken, Secrets } from '../../src/platform/secrets/index.js';

export const MASTER_KEY = '42'.repeat(32);
export const ADMIN_TOKEN = 'operator-token-of-the-auth-tests-0123456789';

@Controller()
class ProbeController {
  @Get('v1/probe')
  @UseGuards(VirtualKeyGuard)
  caller(@Req() request: AuthenticatedRequest): unknown {
    return { key_id: request.caller?.keyId, store: request.caller?.store };
  }

  @Get('admin/probe')
  @UseGuards(OperatorGuard)
  operator(): unknown {
    return { ok: true };
  }
}

class PlainErrors implements ExceptionFilter {
  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    if (error instanceof GatewayError) void reply.status(error.status).send({ code: error.code, message: error.message });
    else void reply.status(500).send({ code: 'internal_error', message: String(error) });
  }
}

export interface AuthApp {
  readonly app: NestFastifyApplication;
  readonly boot: Boot;
  stop(): Promise<void>;
}

export interface AuthAppOptions {
  readonly demo?: boolean;
  readonly redis?: RedisConnection | null;
  readonly masterKey?: string;
}

export async function startAuthApp(database: Database, options: AuthAppOptions = {}): Promise<AuthApp> {
  register.clear();
  const dataDirectory = mkdtempSync(join(tmpdir(), 'og-auth-'));
  const config = Object.assign(new Config(), { zone: 'local', demo: options.demo ?? false, workerCount: 1, dataDirectory });
  const boot = new Boot();
  const values: [unknown, unknown][] = [
    [Config, config],
    [Database, database],
    [RedisConnection, options.redis ?? null],
    [ProcessGroup, new SoleProcess()],
    [Secrets, new Secrets(options.masterKey ?? MASTER_KEY)],
    [OperatorToken, new OperatorToken(ADMIN_TOKEN)],
    [Boot, boot],
    [Clock, new SystemClock()],
  ];
  @Global()
  @Module({
    providers: values.map(([provide, useValue]) => ({ provide: provide as typeof Config, useValue })),
    exports: values.map(([provide]) => provide as typeof Config),
  })
  class TestPlatform {}
  const module = await Test.createTestingModule({ imports: [TestPlatform, AuthModule], controllers: [ProbeController] }).compile();
  const app = module.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: ['error'] });
  app.useGlobalFilters(new PlainErrors());
  await app.init();
  await boot.run();
  await app.getHttpAdapter().getInstance().ready();
  const stop = async (): Promise<void> => {
    await app.close();
    rmSync(dataDirectory, { recursive: true, force: true });
  };
  return { app, boot, stop };
}
