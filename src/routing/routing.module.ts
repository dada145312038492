import { Module, type Provider } from '@nestjs/common';
import { SnapshotSource } from '../core/catalog/model.js';
import { Clock } from '../platform/clock/index.js';
import { Config } from '../platform/config/index.js';
import { AffinityStore, MemoryAffinityStore } from './affinity.store.js';
import { HealthStore } from './health.store.js';
import { MemoryHealthStore } from './memory-health.store.js';
import { Planner } from './planner.service.js';
import { RoutingMetrics, routingMetricProviders } from './routing.metrics.js';

const planner: Provider = {
  provide: Planner,
  inject: [SnapshotSource, HealthStore, AffinityStore, Clock, Config],
  useFactory: (...[snapshots, health, affinity, clock, { zone }]: [SnapshotSource, HealthStore, AffinityStore, Clock, Config]) =>
    new Planner({ snapshots, health, affinity, clock, zone }),
};

/** Needs SnapshotSource (providers) and the platform's Clock, Config and Metrics in scope. */
@Module({
  providers: [
    { provide: HealthStore, useClass: MemoryHealthStore },
    { provide: AffinityStore, useClass: MemoryAffinityStore },
    planner,
    RoutingMetrics,
    ...routingMetricProviders,
  ],
  exports: [HealthStore, AffinityStore, Planner],
})
export class RoutingModule {}
