export type { Change } from './diff.js';
export { ConfigurationFollower } from './configuration-follower.js';
export { ConfigurationMetrics, configurationMetricProviders } from './configuration.metrics.js';
export { ConfigurationService, type ApplyOptions, type ApplyResult, type ConfigurationObserver } from './configuration.service.js';
export { buildSnapshot } from './build-snapshot.js';
export { effectiveProviders } from './effective-providers.js';
export { SnapshotStore } from './snapshot-store.js';
