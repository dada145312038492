export { AffinityStore, MemoryAffinityStore } from './affinity.store.js';
export { HealthStore, type CallOutcome, type DeploymentHealthReport } from './health.store.js';
export { MemoryHealthStore } from './memory-health.store.js';
export { planOf, Planner, type ExplainedWait, type Explanation, type ExplainOptions } from './planner.service.js';
export { RoutingModule } from './routing.module.js';
