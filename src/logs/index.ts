export type { RequestLogQuery } from './list-query.js';
export { LogsModule } from './logs.module.js';
export { RequestLogQueue } from './request-log.queue.js';
export { RequestLogReader, type RequestLogPage } from './request-log.reader.js';
export { RequestLogWriter } from './request-log.writer.js';
export { RETENTION_DAYS, RetentionJob } from './retention.job.js';
export { TagUsage } from './tag-usage.js';
export { RollUpJob } from './roll-up.job.js';
