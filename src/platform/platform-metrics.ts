import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider } from '@willsoto/nestjs-prometheus';
import { Gauge } from 'prom-client';
import { BUILD } from './build.js';
import { Config } from './config/index.js';
import { Database } from './database/index.js';
import { Readiness } from './health/index.js';
import { Metrics } from './metrics/index.js';
import { RedisConnection } from './redis/index.js';

export const platformMetricProviders = [
  makeGaugeProvider({ name: 'og_build_info', help: 'Always 1; its labels say what runs', labelNames: ['version', 'commit', 'zone'] }),
  makeGaugeProvider({ name: 'og_db_pool_in_use', help: 'Database connections in use', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_db_pool_waiting', help: 'Callers waiting for a database connection', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_redis_up', help: '1 when Redis answers, 0 when not; absent without Redis', labelNames: ['zone'] }),
];

/** What the platform itself shows, and what it needs to be ready. */
@Injectable()
export class PlatformMetrics implements OnModuleInit {
  @Inject(RedisConnection)
  private readonly redis!: RedisConnection | null;

  @InjectMetric('og_build_info')
  private readonly build!: Gauge<'version' | 'commit' | 'zone'>;

  @InjectMetric('og_db_pool_in_use')
  private readonly poolInUse!: Gauge<'zone'>;

  @InjectMetric('og_db_pool_waiting')
  private readonly poolWaiting!: Gauge<'zone'>;

  @InjectMetric('og_redis_up')
  private readonly redisUp!: Gauge<'zone'>;

  constructor(
    private readonly config: Config,
    private readonly database: Database,
    private readonly metrics: Metrics,
    private readonly readiness: Readiness,
  ) {}

  onModuleInit(): void {
    const { zone } = this.config;
    this.build.set({ version: BUILD.version, commit: BUILD.commit, zone }, 1);
    this.metrics.beforeScrape(() => {
      const { inUseCount, waitingCount } = this.database.stats;
      this.poolInUse.set({ zone }, inUseCount);
      this.poolWaiting.set({ zone }, waitingCount);
      if (this.redis != null) this.redisUp.set({ zone }, this.redis.up ? 1 : 0);
    });
    this.readiness.register('database', async () => (await this.database.query('SELECT 1')).rowCount === 1);
    const redis = this.redis ?? null;
    if (redis !== null) this.readiness.register('redis', () => redis.up, false);
  }
}
