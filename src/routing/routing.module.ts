import { Module, type Provider } from '@nestjs/common';
import { SnapshotSource } from '../core/catalog/model.js';
import { Clock } from '../platform/clock/index.js';
import { Config } from '../platform/config/index.js';
import { RedisConnection } from '../platform/redis/index.js';
import { AffinityStore, MemoryAffinityStore } from './affinity.store.js';
import { HealthStore } from './health.store.js';
import { MemoryHealthStore } from './memory-health.store.js';
import { Planner } from './planner.service.js';
import { RoutingMetrics, routingMetricProviders } from './routing.metrics.js';
import { SharedAffinityStore } from './shared-affinity.store.js';
import { SharedHealthStore } from './shared-health.store.js';

const health: Provider = {
  provide: HealthStore,
  inject: [SnapshotSource, Clock, Config, RedisConnection],
  useFactory: (...[snapshots, clock, { zone }, redis]: [SnapshotSource, Clock, Config, RedisConnection | null]): HealthStore =>
    redis === null ? new MemoryHealthStore(clock, snapshots) : new SharedHealthStore({ clock, snapshots, redis, zone }),
};

const affinity: Provider = {
  provide: AffinityStore,
  inject: [Clock, Config, RedisConnection],
  useFactory: (...[clock, { zone }, redis]: [Clock, Config, RedisConnection | null]): AffinityStore => {
    const local = new MemoryAffinityStore(clock);
    return redis === null ? local : new SharedAffinityStore({ clock, local, redis, zone });
  },
};

const planner: Provider = {
  provide: Planner,
  inject: [SnapshotSource, HealthStore, AffinityStore, Clock, Config],
  useFactory: (...[snapshots, health, affinity, clock, { zone }]: [SnapshotSource, HealthStore, AffinityStore, Clock, Config]) =>
    new Planner({ snapshots, health, affinity, clock, zone }),
};

/** Needs SnapshotSource (providers) and the platform's Clock, Config and Metrics in scope. */
@Module({
  providers: [
    health,
    affinity,
    planner,
    RoutingMetrics,
    ...routingMetricProviders,
  ],
  exports: [HealthStore, AffinityStore, Planner],
})
export class RoutingModule {}
