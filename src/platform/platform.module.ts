import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { Boot } from './boot/index.js';
import { Clock, SystemClock } from './clock/index.js';
import { ProcessGroup } from './cluster/index.js';
import { Config } from './config/index.js';
import { Database, type DatabaseSettings } from './database/index.js';
import { Drain, HealthController, Readiness } from './health/index.js';
import { Metrics, MetricsController } from './metrics/index.js';
import { platformMetricProviders, PlatformMetrics } from './platform-metrics.js';
import { QueueModule, type QueueBackend } from './queue/index.js';
import { RedisConnection } from './redis/index.js';
import { OperatorToken, Secrets } from './secrets/index.js';

/** The ports of this process, opened by main.ts before any module is made, so that a failure is one clear line. */
export interface Platform {
  readonly config: Config;
  readonly databaseSettings: DatabaseSettings;
  readonly database: Database;
  readonly redis: RedisConnection | null;
  readonly queue: QueueBackend;
  readonly secrets: Secrets;
  readonly operatorToken: OperatorToken;
  readonly boot: Boot;
  readonly processes: ProcessGroup;
}

/** TypeORM serves the admin's tables only, with few connections of its own. */
const ENTITY_POOL_SIZE = 4;

@Module({})
export class PlatformModule {
  static forRoot(platform: Platform): DynamicModule {
    const providers: Provider[] = [
      { provide: Config, useValue: platform.config },
      { provide: Database, useValue: platform.database },
      { provide: RedisConnection, useValue: platform.redis },
      { provide: Secrets, useValue: platform.secrets },
      { provide: OperatorToken, useValue: platform.operatorToken },
      { provide: Boot, useValue: platform.boot },
      { provide: ProcessGroup, useValue: platform.processes },
      { provide: Clock, useClass: SystemClock },
      Readiness,
      Drain,
      Metrics,
    ];
    return {
      module: PlatformModule,
      global: true,
      imports: [
        TypeOrmModule.forRoot(entitySource(platform.databaseSettings)),
        PrometheusModule.register({ controller: MetricsController, global: true, path: '/metrics' }),
        QueueModule.forRoot(platform.queue, platform.config.runs('worker')),
      ],
      controllers: [HealthController],
      providers: [...providers, PlatformMetrics, ...platformMetricProviders],
      exports: providers,
    };
  }
}

function entitySource(settings: DatabaseSettings): Parameters<typeof TypeOrmModule.forRoot>[0] {
  return {
    type: 'postgres',
    url: settings.url,
    applicationName: `${settings.applicationName} entities`,
    poolSize: ENTITY_POOL_SIZE,
    autoLoadEntities: true,
    synchronize: false,
    retryAttempts: 0,
    extra: {
      connectionTimeoutMillis: settings.acquireTimeoutMs,
      ...(settings.pooled ? {} : { statement_timeout: settings.statementTimeoutMs, lock_timeout: settings.lockTimeoutMs }),
    },
  };
}
