import { BullModule } from '@nestjs/bullmq';
import { Module, type DynamicModule } from '@nestjs/common';
import { JobMetrics, jobMetricProviders } from './job-metrics.js';
import { JobWorker } from './job-worker.js';
import { JOB_QUEUE, Jobs } from './jobs.js';
import type { QueueBackend } from './queue-backend.js';

@Module({})
export class QueueModule {
  /** @param works false in a process without the worker role: it registers jobs and may ask for runs, but runs none. */
  static forRoot(backend: QueueBackend, works: boolean): DynamicModule {
    return {
      module: QueueModule,
      global: true,
      imports: [BullModule.forRoot({ connection: backend.connection }), BullModule.registerQueue({ name: JOB_QUEUE })],
      providers: [Jobs, ...(works ? [JobWorker, JobMetrics, ...jobMetricProviders] : [])],
      exports: [Jobs, BullModule, ...(works ? [JobWorker] : [])],
    };
  }
}
