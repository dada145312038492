export { Drain } from './drain.js';
export { HealthController } from './health.controller.js';
export { Readiness, renderReadiness, type ReadinessCheck, type ReadinessReport } from './readiness.js';
