import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { InjectMetric, makeGaugeProvider, makeHistogramProvider } from '@willsoto/nestjs-prometheus';
import { Gauge, Histogram } from 'prom-client';
import { BUILD } from './build.js';
import { Config } from './config/index.js';
import { Database } from './database/index.js';
import { Readiness } from './health/index.js';
import { Metrics } from './metrics/index.js';
import { RedisConnection } from './redis/index.js';

export const platformMetricProviders = [
  makeGaugeProvider({ name: 'og_build_info', aggregator: 'max', help: 'Always 1; its labels say what runs', labelNames: ['version', 'commit', 'zone'] }),
  makeGaugeProvider({ name: 'og_db_pool_in_use', help: 'Database connections in use', labelNames: ['zone'] }),
  makeGaugeProvider({ name: 'og_db_pool_waiting', help: 'Callers waiting for a database connection', labelNames: ['zone'] }),
  makeHistogramProvider({
    name: 'og_db_query_seconds',
    help: 'Database queries and transactions, waiting for a connection included',
    labelNames: ['zone'],
    buckets: [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  }),
  makeGaugeProvider({ name: 'og_redis_up', aggregator: 'min', help: '1 when Redis answers, 0 when not; absent without Redis', labelNames: ['zone'] }),
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

  @InjectMetric('og_db_query_seconds')
  private readonly querySeconds!: Histogram<'zone'>;

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
    const seconds = this.querySeconds.labels({ zone });
    this.database.observe((elapsedMs) => seconds.observe(elapsedMs / 1_000));
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
