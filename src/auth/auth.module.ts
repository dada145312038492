import { Logger, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { PassportModule } from '@nestjs/passport';
import { Boot, BOOT_ORDER } from '../platform/boot/index.js';
import { Clock } from '../platform/clock/index.js';
import { CHANGED_TOPIC, ProcessGroup } from '../platform/cluster/index.js';
import { Config } from '../platform/config/index.js';
import { Database } from '../platform/database/index.js';
import { RedisConnection } from '../platform/redis/index.js';
import { Secrets } from '../platform/secrets/index.js';
import { AuthMetrics, authMetricProviders } from './auth-metrics.js';
import { KeyDirectory } from './keys/key-directory.js';
import { KeyFeed } from './keys/key-feed.js';
import type { LayerFault } from './keys/key-index.js';
import { KeyLoader } from './keys/key-loader.js';
import { VirtualKeyGuard } from './keys/virtual-key.guard.js';
import { VirtualKeyStrategy, VIRTUAL_KEY_STRATEGY } from './keys/virtual-key.strategy.js';
import { VirtualKeys } from './keys/virtual-keys.js';
import { openLimitStore } from './limits/open-limit-store.js';
import { LimitStore } from './limits/limit-store.js';
import { Limits } from './limits/limits.js';
import { RedisLimitStore } from './limits/redis-limit-store.js';
import { WorkerLimitStore } from './limits/worker-limit-store.js';
import { OperatorGuard } from './operators/operator.guard.js';
import { FirstBoot } from './tenants/first-boot.js';
import { Organizations } from './tenants/organizations.js';
import { BudgetThresholds } from './tenants/budget-thresholds.js';
import { Projects } from './tenants/projects.js';

/** A stored policy that cannot be read is asked for with every request of its keys: said once a minute is enough. */
const FAULT_LOG_INTERVAL_MS = 60_000;
const MAX_FAULTS = 1_000;

const directoryProvider = {
  provide: KeyDirectory,
  useFactory: (database: Database, secrets: Secrets, clock: Clock, metrics: AuthMetrics): KeyDirectory => {
    const unreadable = faultLogger(clock);
    return new KeyDirectory(new KeyLoader(database), secrets, clock, { failed: (reason) => metrics.failed(reason), unreadable });
  },
  inject: [Database, Secrets, Clock, AuthMetrics],
};

const feedProvider = {
  provide: KeyFeed,
  useFactory: (database: Database, directory: KeyDirectory, group: ProcessGroup): KeyFeed => {
    group.answer(CHANGED_TOPIC, () => directory.refresh());
    return new KeyFeed(database, directory);
  },
  inject: [Database, KeyDirectory, ProcessGroup],
};

const limitStoreProvider = {
  provide: LimitStore,
  useFactory: (redis: RedisConnection | null, clock: Clock, config: Config, group: ProcessGroup): LimitStore => {
    if (redis !== null) return new RedisLimitStore(redis, clock);
    return group.size > 1 ? new WorkerLimitStore(group, clock) : openLimitStore(config, clock);
  },
  inject: [RedisConnection, Clock, Config, ProcessGroup],
};

/** Who calls and what they may: keys, their layers, limits, and the operator's door. */
@Module({
  imports: [PassportModule.register({ defaultStrategy: VIRTUAL_KEY_STRATEGY, session: false })],
  providers: [
    ...authMetricProviders,
    AuthMetrics,
    directoryProvider,
    feedProvider,
    limitStoreProvider,
    Organizations,
    Projects,
    BudgetThresholds,
    VirtualKeys,
    FirstBoot,
    Limits,
    VirtualKeyStrategy,
    VirtualKeyGuard,
    OperatorGuard,
  ],
  exports: [AuthMetrics, BudgetThresholds, KeyDirectory, Organizations, Projects, VirtualKeys, Limits, VirtualKeyGuard, OperatorGuard],
})
export class AuthModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly boot: Boot,
    private readonly feed: KeyFeed,
    private readonly limitStore: LimitStore,
  ) {}

  onModuleInit(): void {
    this.boot.register({ name: 'virtual keys', order: BOOT_ORDER.warmUp, run: () => this.feed.start() });
  }

  async onApplicationShutdown(): Promise<void> {
    await this.feed.stop();
    this.limitStore.close();
  }
}

function faultLogger(clock: Clock): (fault: LayerFault) => void {
  const logger = new Logger('KeyDirectory');
  const saidMs = new Map<string, number>();
  return ({ layer, id, reason }) => {
    const name = `${layer} ${id}`;
    const nowMs = clock.monotonicMs();
    if (nowMs - (saidMs.get(name) ?? Number.NEGATIVE_INFINITY) < FAULT_LOG_INTERVAL_MS) return;
    if (saidMs.size >= MAX_FAULTS) saidMs.clear();
    saidMs.set(name, nowMs);
    logger.error(`The stored ${name} cannot be read, its keys are closed: ${reason}`);
  };
}
