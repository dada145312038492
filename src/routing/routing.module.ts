import { Module } from '@nestjs/common';
import { AffinityStore, MemoryAffinityStore } from './affinity.store.js';
import { HealthStore } from './health.store.js';
import { MemoryHealthStore } from './memory-health.store.js';
import { Planner } from './planner.service.js';
import { RoutingMetrics, routingMetricProviders } from './routing.metrics.js';

/** Needs SnapshotSource (providers) and the platform's Clock, Config and Metrics in scope. */
@Module({
  providers: [{ provide: HealthStore, useClass: MemoryHealthStore }, { provide: AffinityStore, useClass: MemoryAffinityStore }, Planner, RoutingMetrics, ...routingMetricProviders],
  exports: [HealthStore, AffinityStore, Planner],
})
export class RoutingModule {}
