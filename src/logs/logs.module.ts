import { Module } from '@nestjs/common';
import { RequestLogs } from '../core/request-log/request-log.js';
import { LogMetrics, logMetricProviders } from './logs.metrics.js';
import { RequestLogQueue } from './request-log.queue.js';
import { RequestLogReader } from './request-log.reader.js';
import { RequestLogWriter } from './request-log.writer.js';
import { RetentionJob } from './retention.job.js';
import { CacheUsage } from './cache-usage.js';
import { RouteResults } from './route-results.js';
import { ShadowRecords } from './shadow-records.js';
import { RollUpJob } from './roll-up.job.js';
import { TagUsage } from './tag-usage.js';

/** Needs the platform's Database, Jobs, Clock and Config in scope. */
@Module({
  providers: [
    RequestLogWriter,
    RequestLogQueue,
    { provide: RequestLogs, useExisting: RequestLogQueue },
    RequestLogReader,
    TagUsage,
    CacheUsage,
    RouteResults,
    ShadowRecords,
    RollUpJob,
    RetentionJob,
    LogMetrics,
    ...logMetricProviders,
  ],
  exports: [CacheUsage, RouteResults, ShadowRecords, RequestLogs, RequestLogReader, TagUsage],
})
export class LogsModule {}
