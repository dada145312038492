export { JobWorker } from './job-worker.js';
export { Jobs, type JobContext, type RecurringJob } from './jobs.js';
export { migrateQueueSchema, postgresQueueBackend, redisQueueBackend, type QueueBackend } from './queue-backend.js';
export { QueueModule } from './queue.module.js';
