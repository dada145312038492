export { PrimaryProcess, WorkerEndedError, type PrimaryService } from './primary-process.js';
export { CHANGED_DEADLINE_MS, CHANGED_TOPIC, ProcessGroup, SoleProcess } from './process-group.js';
export { WorkerProcess, type Channel } from './worker-process.js';
export type { WorkerLink } from './worker-link.js';
